import pc from "picocolors";
import { loadConfig } from "../config/load.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { groupBy } from "../core/group.ts";
import { jsonOutput } from "../core/json-output.ts";
import { type CheckInfo, findCheck, inOrderOfCodes } from "../core/results.ts";
import { checkPageFile, readCheckPage } from "../report/check-page.ts";
import { manageWaivers } from "../report/judge/waivers.ts";
import { renderMarkdown } from "../report/render-markdown.ts";
import { fileLink, type Terminal, terminalOf } from "../report/terminal.ts";
import { wrap } from "../report/text.ts";
import { nearestNames } from "../targets/neon/nearest-names.ts";
import { type Check, loadChecks } from "../verify/checks.ts";
import { scriptOf } from "../verify/script.ts";

export interface ExplainOptions {
  json?: boolean;
  sql?: boolean;
}

/** Shows the page of a check, by its code or name, or its SQL, or lists all checks by area. Needs no database and no network. */
export async function explain(word: string | undefined, { json, sql }: ExplainOptions): Promise<ExitCode> {
  const checks: CheckInfo[] = [...loadChecks(), manageWaivers].sort(inOrderOfCodes);
  const terminal = terminalOf(process.stdout);
  if (sql) {
    const check = sqlCheck(word, checks);
    const script = scriptOf(check, loadConfig().isolation ?? null);
    process.stdout.write(json ? jsonOutput({ ...infoOf(check), sql: script }) : script);
    return exitCodes.clean;
  }
  if (word === undefined) {
    process.stdout.write(json ? jsonOutput({ checks: checks.map(infoOf) }) : list(checks, terminal));
    return exitCodes.clean;
  }
  const check = findCheck(checks, word) ?? unknown(word, checks);
  const markdown =
    readCheckPage(check.docs)?.markdown ?? `# ${check.code} ${check.name}\n\n${check.title}.\n`;
  process.stdout.write(
    json ? jsonOutput({ ...infoOf(check), markdown }) : renderMarkdown(markdown, terminal),
  );
  return exitCodes.clean;
}

/** A check that asks the database. */
function sqlCheck(word: string | undefined, checks: readonly CheckInfo[]): Check {
  const found = word === undefined ? undefined : (findCheck(checks, word) ?? unknown(word, checks));
  const check = loadChecks().find(({ code }) => code === found?.code);
  if (check) return check;
  throw new HarnessError({
    code: "no-sql",
    message: found ? `${found.code} asks about the configuration, not the database` : "--sql needs a check",
    hint: "Name a check that asks the database, e.g. `harness explain H302 --sql`.",
  });
}

function unknown(word: string, checks: readonly CheckInfo[]): never {
  const names = checks.flatMap(({ code, name, aliases = [] }) => [code, name, ...aliases]);
  const near = nearestNames(word, names, 3);
  const all = "`harness explain` lists them all.";
  throw new HarnessError({
    code: "unknown-check",
    message: `there is no check "${word}"`,
    hint: near.length > 0 ? `Did you mean ${near.join(", ")}? ${all}` : `Use a code or a name: ${all}`,
  });
}

/** What stays the same from version to version; other fields of a check are nobody's business. */
function infoOf({ code, name, title, severity, area, docs, aliases = [] }: CheckInfo): CheckInfo {
  return { code, name, title, severity, area, docs, aliases };
}

function list(checks: CheckInfo[], { color, links }: Terminal): string {
  const c = pc.createColors(color);
  const line = ({ code, name, severity, title, docs }: CheckInfo) => {
    const shown = links ? fileLink(code, checkPageFile(docs)) : code;
    const head = `  ${shown}${" ".repeat(Math.max(1, 6 - code.length))}${c.bold(name.padEnd(40))} ${severity}`;
    return `${head}\n${wrap(title, 80, "        ")}`;
  };
  const areas = [...groupBy(checks, ({ area }) => area)].map(
    ([area, members]) => `${c.bold(area)}\n${members.map(line).join("\n")}`,
  );
  return `${areas.join("\n\n")}\n\nRead one: harness explain ${checks[0]?.code}\n`;
}

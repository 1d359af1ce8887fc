import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { groupBy } from "../core/group.ts";
import { type CheckInfo, findCheck } from "../core/results.ts";
import { checkPageFile, readCheckPage } from "../report/check-page.ts";
import { renderMarkdown } from "../report/render-markdown.ts";
import { nearestNames } from "../targets/neon/nearest-names.ts";
import { colors } from "../terminal/color.ts";
import { jsonOutput } from "../terminal/json-output.ts";
import { print } from "../terminal/output.ts";
import { fileLink, type Terminal, terminalOf } from "../terminal/terminal.ts";
import { wrap } from "../terminal/text.ts";
import { loadChecks } from "../verify/checks.ts";
import { manageWaivers } from "../verify/waivers.ts";

export interface ExplainOptions {
  json?: boolean;
}

/** Shows the page of a check, by its code or name, or lists all checks by area. Needs no database and no network. */
export async function explain(word: string | undefined, { json }: ExplainOptions): Promise<ExitCode> {
  const checks: CheckInfo[] = [...loadChecks(), manageWaivers].sort((a, b) => (a.code < b.code ? -1 : 1));
  const terminal = terminalOf(process.stdout);
  if (word === undefined) {
    print(json ? jsonOutput({ checks: checks.map(infoOf) }) : list(checks, terminal));
    return exitCodes.clean;
  }
  const check = findCheck(checks, word) ?? unknown(word, checks);
  const markdown =
    readCheckPage(check.docs)?.markdown ?? `# ${check.code} ${check.name}\n\n${check.title}.\n`;
  print(json ? jsonOutput({ ...infoOf(check), markdown }) : renderMarkdown(markdown, terminal));
  return exitCodes.clean;
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
  const c = colors(color);
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

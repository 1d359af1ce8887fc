import { optional } from "../command-line/argument.ts";
import { command } from "../command-line/command.ts";
import { flag } from "../command-line/option.ts";
import { json } from "../command-line/shared-options.ts";
import { text } from "../command-line/values.ts";
import { HarnessError } from "../core/errors.ts";
import { type CheckInfo, findCheck, inOrderOfCodes } from "../core/results.ts";
import { ofStdout } from "../terminal/terminal.ts";

/** Needs no database and no network. */
export default command({
  summary: "what a check asks, how to see it, how to mend it; without a check, list them all",
  arguments: { check: optional(text("check"), "its code or its name") },
  options: { sql: flag("print the SQL that the check runs, complete, for psql"), ...json },
  async run({ sql }, { check: word }) {
    const { loadChecks } = await import("../verify/checks.ts");
    const { manageWaivers } = await import("../report/judge/waivers.ts");
    const { readCheckPage } = await import("../report/check-page.ts");
    const checks: CheckInfo[] = [...loadChecks(), manageWaivers].sort(inOrderOfCodes);
    if (sql) {
      const { loadConfig } = await import("../config/load.ts");
      const { scriptOf } = await import("../verify/script.ts");
      const found =
        word === undefined ? undefined : (findCheck(checks, word) ?? (await unknown(word, checks)));
      const check = loadChecks().find(({ code }) => code === found?.code) ?? noSql(found);
      const script = scriptOf(check, loadConfig().isolation ?? null);
      return { json: { ...infoOf(check), sql: script }, text: script };
    }
    const terminal = ofStdout();
    if (word === undefined) {
      const { describeChecks } = await import("../report/check-list.ts");
      return { json: { checks: checks.map(infoOf) }, text: describeChecks(checks, terminal) };
    }
    const { renderMarkdown } = await import("../report/render-markdown.ts");
    const check = findCheck(checks, word) ?? (await unknown(word, checks));
    const { code, name, title, docs } = check;
    const markdown = readCheckPage(docs)?.markdown ?? `# ${code} ${name}\n\n${title}.\n`;
    return { json: { ...infoOf(check), markdown }, text: renderMarkdown(markdown, terminal) };
  },
});

/** A check that asks no database. */
function noSql(found: CheckInfo | undefined): never {
  throw new HarnessError({
    code: "no-sql",
    message: found ? `${found.code} asks about the configuration, not the database` : "--sql needs a check",
    hint: "Name a check that asks the database, e.g. `harness explain H302 --sql`.",
  });
}

async function unknown(word: string, checks: readonly CheckInfo[]): Promise<never> {
  const { nearestNames } = await import("../targets/neon/nearest-names.ts");
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

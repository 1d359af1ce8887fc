import { groupBy } from "../../core/group.ts";
import { printable } from "../../core/printable.ts";
import { printableSql } from "../../core/printable-sql.ts";
import type { Outcome, Result } from "../../core/results.ts";
import { type Colors, colors as colorsFor } from "../../terminal/color.ts";
import { fileLink, type Terminal } from "../../terminal/terminal.ts";
import { indent, wrap } from "../../terminal/text.ts";
import { checkPageFile } from "../check-page.ts";
import { type Format, type Report, resultsThat, targetParts } from "../report.ts";
import { countsOf, judgementOf } from "../verdict.ts";

const width = 80;

type Code = (result: Result, columns: number) => string;

/**
 * For people: one line a check, then each thing that is wrong with the SQL that shows it and the SQL that mends it. At most 80 columns,
 * but for SQL, which is meant to be copied.
 */
const tty: Format = (report, terminal) => {
  const colors = colorsFor(terminal.color);
  const code = codeIn(terminal);
  const parts = [header(report, colors), checkLines(report.results, colors, code)];
  const failed = groupBy(resultsThat(report, "fail"), ({ object }) => object);
  parts.push(...[...failed.values()].map((results) => finding(results, colors, code)));
  parts.push(
    ...list("?", "Not decided, and so not proved", resultsThat(report, "skipped", "error"), colors, code),
    ...waivedList(resultsThat(report, "waived"), colors, code),
    wrap(`${judgementOf(report)}: ${countsOf(report)}`, width, "").replace(/^[^:]+/, (judgement) =>
      judgementColor(report, colors)(judgement),
    ),
  );
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
};
export default tty;

/** A check's code in its column; where the terminal can, a click on it opens the page. */
function codeIn({ links }: Terminal): Code {
  return ({ code, docs }, columns) => {
    const text = printable(code);
    return (
      (links ? fileLink(text, checkPageFile(docs)) : text) + " ".repeat(Math.max(0, columns - text.length))
    );
  };
}

function header(report: Report, c: Colors): string {
  const asked = report.sections.map(({ name }) => name).filter((name) => name !== "waivers");
  const title = `harness ${asked.join(", ") || "verify"}`;
  const where = wrap(printable(targetParts(report).join(" · ")), width, `${title}  `);
  return [where.replace(title, () => c.bold(title)), ...modelLines(report, c)].join("\n");
}

function modelLines({ target, model }: Report, c: Colors): string[] {
  if (!model) return [];
  const { claim, setting } = model.context;
  const context = [claim && `claim ${claim}`, setting && `setting ${setting}`].filter(Boolean).join(" or ");
  const user = `${target.user}${target.superuser ? " (superuser)" : ""}`;
  const roles = `${model.tenantRoles.join(", ")}, connected as ${user} · ${model.tables.length} tables`;
  return [
    c.dim(
      wrap(printable(`${model.tenantColumn || "each table's own column"} = ${context}`), width, "  tenant: "),
    ),
    c.dim(wrap(printable(roles), width, "  roles:  ")),
  ];
}

/** The runbook's steps and whatever is not well, a line each; the rest by area. */
function checkLines(results: Result[], c: Colors, code: Code): string {
  const groups = [...groupBy(results, (result) => result.code).values()];
  const well = (group: Result[]) => group.every(({ outcome }) => outcome === "pass" || outcome === "waived");
  const named = groups.filter((group) => /^4[a-c]$/.test(group[0]?.code ?? "") || !well(group));
  const others = groupBy(
    groups.filter((group) => !named.includes(group)),
    (group) => group[0]?.area ?? "",
  );
  return [
    ...named.map((group) => checkLine(group, c, code)),
    ...[...others].map(([area, checks]) => {
      const count = checks.length === 1 ? "1 check" : `${checks.length} checks`;
      return `  ${c.green("✓")} ${printable(area).padEnd(32)} ${count}, ${passed(checks.flat())}`;
    }),
  ].join("\n");
}

function checkLine(group: Result[], c: Colors, code: Code): string {
  const [bad, open] = [count(group, "fail"), count(group, "skipped", "error")];
  const mark = bad > 0 ? c.red("✗") : open > 0 ? c.yellow("?") : c.green("✓");
  const what =
    bad > 0
      ? c.red(`${bad} of ${group.length} failed`)
      : open > 0
        ? c.yellow(`${open} of ${group.length} undecided`)
        : passed(group);
  const first = group[0] as Result;
  return `  ${mark} ${code(first, 5)} ${printable(first.name).padEnd(26)} ${what}`;
}

const count = (group: Result[], ...outcomes: Outcome[]) =>
  group.filter(({ outcome }) => outcomes.includes(outcome)).length;

/** `12 passed`, and if some did not, `10 passed, 2 waived`. */
function passed(group: Result[]): string {
  const waived = count(group, "waived");
  return `${group.length - waived} passed${waived > 0 ? `, ${waived} waived` : ""}`;
}

function finding(results: Result[], c: Colors, code: Code): string {
  const worst = results[0] as Result;
  const title = wrap(`${printable(worst.object)}  ${worst.severity}`, width, "  ").slice(2);
  const [, object = "", severity = ""] = /^([\s\S]*?)(\S+)$/.exec(title) ?? [];
  const lines = [
    `${c.red("✗")} ${c.bold(object)}${c.red(severity)}`,
    ...results.map((each) => detail(each, code)),
  ];
  if (worst.evidence) lines.push("  See it:", indent(c.cyan(printableSql(worst.evidence)), 4));
  const fixes = [...new Set(results.map(({ fix }) => fix))].filter((fix): fix is string => fix !== null);
  if (fixes.length > 0) lines.push("  Mend it:", indent(c.green(printableSql(fixes.join("\n"))), 4));
  lines.push(c.dim(`  Read on: ${printable(worst.docs)}`));
  return lines.join("\n");
}

function detail(result: Result, code: Code, text = result.detail): string {
  return wrap(printable(text), width, " ".repeat(10)).replace(/^ {10}/, () => `    ${code(result, 6)}`);
}

function list(mark: string, title: string, results: Result[], c: Colors, code: Code): string[] {
  if (results.length === 0) return [];
  const lines = results.map((result) => detail(result, code, `${result.object}: ${result.detail}`));
  return [[`${c.yellow(mark)} ${c.bold(title)}`, ...lines].join("\n")];
}

/** Waivers one by one, since each was somebody's decision; a baseline may know thousands, and says how many. */
function waivedList(results: Result[], c: Colors, code: Code): string[] {
  const known = results.filter(({ waiver }) => waiver?.source === "baseline");
  const decided = results.filter((result) => !known.includes(result));
  const others = `${known.length} findings are in the baseline, and not counted`;
  return [
    ...list("–", "Waived", decided, c, code),
    ...(known.length > 0 ? [`${c.yellow("–")} ${others}`] : []),
  ];
}

function judgementColor({ exitCode }: Report, c: Colors): (text: string) => string {
  const color = exitCode === 1 ? c.red : exitCode === 3 ? c.yellow : c.green;
  return (text) => c.bold(color(text));
}

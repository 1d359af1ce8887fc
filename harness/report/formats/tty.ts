import pc from "picocolors";
import { groupBy } from "../../core/group.ts";
import type { Outcome, Result } from "../../core/results.ts";
import { severities } from "../../core/results.ts";
import type { Format, Report } from "../report.ts";
import { indent, wrap } from "../text.ts";

type Colors = ReturnType<typeof pc.createColors>;

/** For people: one line a check, then each thing that is wrong with the SQL that shows it and the SQL that mends it. */
const tty: Format = (report, { color }) => {
  const colors = pc.createColors(color);
  const parts = [header(report, colors), checkLines(report.results, colors)];
  const failed = byObject(report.results, ["fail"]);
  const unanswered = byObject(report.results, ["skipped", "error"]);
  parts.push(...failed.map((results) => finding(results, colors)));
  if (unanswered.length > 0) parts.push(openQuestions(unanswered, colors));
  parts.push(verdict(report, colors));
  return `${parts.join("\n\n")}\n`;
};
export default tty;

function header({ target, model }: Report, c: Colors): string {
  const where = [
    target.branch ? `branch ${target.branch}` : null,
    target.database,
    `PostgreSQL ${target.serverVersion}`,
    target.flavor,
    target.inRecovery ? "standby" : null,
  ];
  const { claim, setting } = model.context;
  const context = [claim && `claim ${claim}`, setting && `setting ${setting}`].filter(Boolean).join(" or ");
  return [
    `${c.bold("harness verify")}  ${where.filter(Boolean).join(" · ")}`,
    c.dim(`  tenant: ${model.tenantColumn} = ${context}`),
    c.dim(
      `  roles:  ${model.tenantRoles.join(", ")}, connected as ${target.user}${target.superuser ? " (superuser)" : ""} · ${model.tables.length} tables`,
    ),
  ].join("\n");
}

/** The runbook's steps and whatever is not well, a line each; the rest by area. */
function checkLines(results: Result[], c: Colors): string {
  const groups = [...groupBy(results, (result) => result.code).values()];
  const well = (group: Result[]) => group.every(({ outcome }) => outcome === "pass" || outcome === "waived");
  const named = groups.filter((group) => /^4[a-c]$/.test(group[0]?.code ?? "") || !well(group));
  const others = groupBy(
    groups.filter((group) => !named.includes(group)),
    (group) => group[0]?.area ?? "",
  );
  return [
    ...named.map((group) => checkLine(group, c)),
    ...[...others].map(([area, checks]) => {
      const objects = checks.reduce((sum, check) => sum + check.length, 0);
      return `  ${c.green("✓")} ${area.padEnd(32)} ${checks.length === 1 ? "1 check" : `${checks.length} checks`}, ${objects} passed`;
    }),
  ].join("\n");
}

function checkLine(group: Result[], c: Colors): string {
  const count = (...outcomes: Outcome[]) => group.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const [bad, open] = [count("fail"), count("skipped", "error")];
  const mark = bad > 0 ? c.red("✗") : open > 0 ? c.yellow("?") : c.green("✓");
  const what =
    bad > 0
      ? c.red(`${bad} of ${group.length} failed`)
      : open > 0
        ? c.yellow(`${open} of ${group.length} undecided`)
        : `${group.length} passed`;
  return `  ${mark} ${(group[0]?.code ?? "").padEnd(5)} ${(group[0]?.name ?? "").padEnd(26)} ${what}`;
}

function finding(results: Result[], c: Colors): string {
  const worst = results[0] as Result;
  const lines = [`${c.red("✗")} ${c.bold(worst.object)}  ${c.red(worst.severity)}`];
  for (const result of results) lines.push(wrap(result.detail, 80, `    ${result.code.padEnd(6)}`));
  if (worst.evidence) lines.push("  See it:", indent(c.cyan(worst.evidence), 4));
  const fixes = [
    ...new Set(results.map((result) => result.fix).filter((fix): fix is string => fix !== null)),
  ];
  if (fixes.length > 0) lines.push("  Mend it:", indent(c.green(fixes.join("\n")), 4));
  lines.push(c.dim(`  Read on: ${worst.docs}`));
  return lines.join("\n");
}

function openQuestions(groups: Result[][], c: Colors): string {
  const lines = groups
    .flat()
    .map((result) => wrap(`${result.object}: ${result.detail}`, 80, `    ${result.code.padEnd(6)}`));
  return [`${c.yellow("?")} ${c.bold("Not decided, and so not proved")}`, ...lines].join("\n");
}

function verdict({ summary, results, exitCode }: Report, c: Colors): string {
  const counts = (["pass", "fail", "waived", "skipped", "error"] as const)
    .filter((outcome) => summary[outcome] > 0 || outcome === "pass" || outcome === "fail")
    .map((outcome) => `${summary[outcome]} ${words[outcome]}`)
    .join(", ");
  const judgement = {
    0: c.green(summary.fail > 0 ? "Isolated, with remarks" : "Isolated"),
    1: c.red("Not isolated"),
    3: c.yellow("Not proved"),
  }[exitCode as 0 | 1 | 3];
  const objects = new Set(results.map((result) => result.object)).size;
  return `${c.bold(judgement ?? "")}: ${counts} on ${objects} objects in ${(summary.durationMs / 1000).toFixed(2)} s`;
}

const words: Record<Outcome, string> = {
  pass: "passed",
  fail: "failed",
  waived: "waived",
  skipped: "skipped",
  error: "could not run",
};

/** Results of the given outcomes, grouped by object; the worst object and the worst result first. */
function byObject(results: Result[], outcomes: Outcome[]): Result[][] {
  const rank = (result: Result | undefined) => (result ? -severities.indexOf(result.severity) : 0);
  const chosen = results
    .filter((result) => outcomes.includes(result.outcome))
    .sort((a, b) => rank(a) - rank(b));
  return [...groupBy(chosen, (result) => result.object).values()];
}

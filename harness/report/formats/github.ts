import { printable } from "../../core/printable.ts";
import { printableSql } from "../../core/printable-sql.ts";
import type { Result, Severity } from "../../core/results.ts";
import { type Format, type Report, resultsThat } from "../report.ts";
import { countsOf, judgementOf } from "../verdict.ts";

const levels: Record<Severity, Level> = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "notice",
};

type Level = "error" | "warning" | "notice";

/**
 * GitHub's workflow commands, one annotation a finding. GitHub shows the first ten of each level: the worst come first. What passed is
 * in the last line only.
 */
const github: Format = (report) => {
  const lines = [
    ...resultsThat(report, "fail").map((result) =>
      annotation(levels[result.severity], result, sqlOf(result)),
    ),
    ...resultsThat(report, "skipped", "error").map((result) =>
      annotation("warning", result, "Not decided, and so not proved."),
    ),
    verdict(report),
  ];
  return `${lines.join("\n")}\n`;
};
export default github;

function annotation(level: Level, { code, name, object, detail }: Result, more: string): string {
  return command(level, printable(`${code} ${name}`), [printable(`${object}: ${detail}`), more].join("\n"));
}

function sqlOf({ evidence, fix, docs }: Result): string {
  const parts = [
    evidence && `See it:\n${printableSql(evidence)}`,
    fix && `Mend it:\n${printableSql(fix)}`,
    `Read on: ${printable(docs)}`,
  ];
  return parts.filter(Boolean).join("\n\n");
}

function verdict(report: Report): string {
  const level = { 0: "notice", 1: "error", 3: "warning" }[report.exitCode as 0 | 1 | 3] as Level;
  return command(level, "harness verify", `${judgementOf(report)}: ${countsOf(report)}`);
}

/** `::error title=…::…`. A line break would end the command and begin whatever comes after it, so both parts are escaped. */
function command(level: Level, title: string, message: string): string {
  return `::${level} title=${escapeProperty(title)}::${escapeData(message)}`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

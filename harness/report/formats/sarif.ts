import { readFileSync } from "node:fs";
import { join } from "node:path";
import { groupBy } from "../../core/group.ts";
import { printable, printableJson } from "../../core/printable.ts";
import { packageRoot } from "../../core/project.ts";
import { type Format, type Report, resultsThat } from "../report.ts";
import { finding, notification } from "../sarif-result.ts";
import { rule } from "../sarif-rule.ts";
import { judgementOf } from "../verdict.ts";

/**
 * SARIF 2.1.0. Its results are the findings; those that are waived carry a suppression. What was not decided is a notification of the
 * tool, and what passed is left out: GitHub shows every result as an alert, of whatever kind it is.
 */
const sarif: Format = (report) => {
  const groups = [...groupBy(report.results, ({ code }) => code)];
  const known = {
    ruleIndex: new Map(groups.map(([code], at) => [code, at])),
    tables: new Set(report.model?.tables.map(({ table }) => table)),
  };
  const undecided = resultsThat(report, "skipped", "error");
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  const run = {
    tool: {
      driver: {
        name: "harness",
        semanticVersion: version,
        rules: groups.map(([, results]) => rule(results)),
      },
    },
    automationDetails: { id: runId(report) },
    invocations: [
      {
        executionSuccessful: undecided.every(({ outcome }) => outcome !== "error"),
        exitCode: report.exitCode,
        exitCodeDescription: judgementOf(report),
        toolExecutionNotifications: undecided.map((result) => notification(result, known)),
      },
    ],
    results: resultsThat(report, "fail", "waived").map((result) => finding(result, known)),
  };
  const schema = "https://json.schemastore.org/sarif-2.1.0.json";
  return `${printableJson({ $schema: schema, version: "2.1.0", runs: [run] }, 2)}\n`;
};
export default sarif;

/** Tells the databases apart, so that the alerts of one don't close those of another. */
function runId({ target }: Report): string {
  return `harness-verify/${encodeURIComponent(printable(target.branch ?? target.database))}/`;
}

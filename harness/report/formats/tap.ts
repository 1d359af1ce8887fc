import { printable, printableJson } from "../../core/printable.ts";
import type { Result } from "../../core/results.ts";
import type { Format } from "../report.ts";
import { countsOf, judgementOf } from "../verdict.ts";

/**
 * TAP 14, a test point for each result. Waived is TODO (known to fail, not counted), skipped is SKIP, and what could not run is not ok.
 * Consumers count a SKIP as good; that coverage is incomplete is in the last comment, and in the exit code.
 */
const tap: Format = (report) => {
  const { results } = report;
  const lines = [
    "TAP version 14",
    results.length > 0 ? `1..${results.length}` : "1..0 # SKIP no check had anything to say",
    ...results.map((result, at) => testPoint(result, at + 1)),
    `# ${judgementOf(report)}: ${countsOf(report)}`,
  ];
  return `${lines.join("\n")}\n`;
};
export default tap;

function testPoint(result: Result, number: number): string {
  const { code, name, object, outcome, detail } = result;
  const ok = outcome === "pass" || outcome === "skipped" ? "ok" : "not ok";
  const point = `${ok} ${number} - ${escapeDescription(`${code} ${name}: ${object}`)}${directive(result)}`;
  if (outcome === "pass" || outcome === "skipped") return point;
  const diagnostics = {
    outcome,
    severity: result.severity,
    message: detail,
    evidence: result.evidence,
    fix: result.fix,
    docs: result.docs,
  };
  const lines = Object.entries(diagnostics).map(([key, value]) => `  ${key}: ${yamlString(value)}`);
  return [point, "  ---", ...lines, "  ..."].join("\n");
}

function directive({ outcome, detail }: Result): string {
  if (outcome === "skipped") return ` # SKIP ${escapeDescription(detail)}`;
  return outcome === "waived" ? ` # TODO ${escapeDescription(detail)}` : "";
}

/** A bare `#` would begin a directive: a table named `t # SKIP` must not skip itself. */
function escapeDescription(text: string): string {
  return printable(text).replaceAll("\\", "\\\\").replaceAll("#", "\\#");
}

/** JSON's strings are YAML's, once the characters that YAML doesn't print are escaped too. */
function yamlString(text: string | null): string {
  return printableJson(text);
}

import { groupBy } from "../core/group.ts";
import { type Colors, colors } from "../terminal/color.ts";
import { wrap } from "../terminal/text.ts";
import type { Machine, ServerFacts } from "./machine.ts";
import type { BenchReport, Measured, MeasuredSide, Verdict } from "./report.ts";
import type { Scenario } from "./scenario.ts";

/** The report for people, 80 columns wide. */
export function toTable(
  report: BenchReport,
  scenarios: ReadonlyMap<string, Scenario>,
  color: boolean,
): string {
  const c = colors(color);
  const parts = [`${c.bold("harness bench")}\n${c.dim(machineLines(report.machine, report.server))}`];
  for (const [name, measured] of groupBy(report.comparisons, ({ scenario }) => scenario)) {
    parts.push(scenarioTable(name, scenarios.get(name), measured, c));
  }
  if (report.thresholds.length > 0)
    parts.push(report.thresholds.map((verdict) => verdictLine(verdict, c)).join("\n"));
  if (report.quick)
    parts.push(c.yellow("Tiny data and hardly any rounds (--quick): these figures mean nothing."));
  return `${parts.join("\n\n")}\n`;
}

function machineLines(machine: Machine, server: ServerFacts | null): string {
  const memory = `${Math.round(machine.memoryBytes / 2 ** 30)} GiB`;
  const lines = [
    `  ${machine.cpu}`,
    `  ${machine.cores} cores · ${memory} · ${machine.os} · Node ${machine.node}`,
  ];
  if (server) {
    const version = /^PostgreSQL [\w.]+/.exec(server.version)?.[0] ?? server.version;
    lines.push(
      `  ${version}, ${server.remote ? "remote" : "local"} · round trip ${figure(server.roundTripMs)} ms`,
    );
  }
  return lines.join("\n");
}

function scenarioTable(
  name: string,
  scenario: Scenario | undefined,
  measured: readonly Measured[],
  c: Colors,
): string {
  const lines = [`${c.bold(name)}  ${scenario?.title ?? ""}`];
  if (scenario) lines.push(c.dim(wrap(scenario.description, 80, "  ")));
  const labels = new Set(measured.map(({ baseline, candidate }) => `${baseline.label} → ${candidate.label}`));
  for (const label of labels) lines.push(c.dim(`  ${label}`));
  lines.push(c.dim(row("", ["baseline", "", "candidate", "", "p95", "ratio", "  95 %"])));
  for (const one of measured) {
    const unit = one.unit === "ms" ? "" : `, ${one.unit}`;
    const { median, low, high } = one.ratio;
    const interval = low === null || high === null ? "" : `  ${times(low)}–${times(high)}`;
    const cells = [...cellsOf(one.baseline), ...cellsOf(one.candidate), figure(one.candidate.p95)];
    lines.push(row(`${one.comparison}${unit}`, [...cells, `${times(median)}×`, interval]));
    for (const [key, text] of Object.entries(one.notes)) {
      lines.push(c.dim(wrap(`${key}: ${text}`, 80, "    ")));
    }
  }
  return lines.join("\n");
}

const cellsOf = ({ median, mad }: MeasuredSide) => [figure(median), ` ± ${figure(mad, median)}`];

/**
 * Widths of: median and spread of the baseline, the same of the candidate, the candidate's 95th percentile, the ratio and its
 * interval. Negative ones are filled up on the right, so that the ± stand below each other.
 */
const widths = [8, -9, 9, -9, 7, 8, -14];

/** Names that are wider have a line of their own. */
const nameWidth = 14;

function row(name: string, cells: readonly string[]): string {
  const padded = cells.map((cell, i) => {
    const width = widths[i] ?? 0;
    return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
  });
  const own = name.length < nameWidth ? name.padEnd(nameWidth) : `${name}\n${" ".repeat(nameWidth + 2)}`;
  return `  ${own}${padded.join("")}`.trimEnd();
}

function verdictLine({ threshold, of, comparison, value, met }: Verdict, c: Colors): string {
  const actual = of === "ratio" ? `${times(value)}×` : `${figure(value)} ms`;
  return `${met ? c.green("✓") : c.red("✗")} ${threshold}: ${met ? "" : c.red("missed, ")}${comparison} has ${actual}`;
}

/** A ratio, to be compared at a glance. */
function times(ratio: number): string {
  return ratio.toFixed(ratio >= 100 ? 0 : ratio >= 10 ? 1 : 2);
}

/** Three digits that count, or as many decimals as `like` would have. */
export function figure(value: number, like = value): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 1e6) return value.toExponential(1);
  const magnitude = like === 0 ? 2 : Math.floor(Math.log10(Math.abs(like)));
  return value.toFixed(Math.min(Math.max(0, 2 - magnitude), 4));
}

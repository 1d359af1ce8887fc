import pc from "picocolors";
import { groupBy } from "../core/group.ts";
import type { Machine, ServerFacts } from "./machine.ts";
import type { BenchReport, Measured, MeasuredSide } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import type { Verdict } from "./thresholds.ts";

type Colors = ReturnType<typeof pc.createColors>;

/** The report for people, 80 columns wide. */
export function toTable(
  report: BenchReport,
  scenarios: ReadonlyMap<string, Scenario>,
  color: boolean,
): string {
  const c = pc.createColors(color);
  const parts = [`${c.bold("harness bench")}\n${c.dim(machineLines(report.machine, report.server))}`];
  for (const [name, measured] of groupBy(report.comparisons, ({ scenario }) => scenario)) {
    parts.push(scenarioTable(name, scenarios.get(name)?.title ?? "", measured, c));
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
    `  ${machine.cpu} · ${machine.cores} cores · ${memory} · ${machine.os} · Node ${machine.node}`,
  ];
  if (server) {
    const version = /^PostgreSQL [\w.]+/.exec(server.version)?.[0] ?? server.version;
    lines.push(
      `  ${version}, ${server.remote ? "remote" : "local"} · round trip ${figure(server.roundTripMs)} ms`,
    );
  }
  return lines.join("\n");
}

const columns = [16, 8, 9, 10, 9, 8, 9] as const;

function scenarioTable(name: string, title: string, measured: readonly Measured[], c: Colors): string {
  const lines = [`${c.bold(name)}  ${title}`];
  const labels = new Set(measured.map(({ baseline, candidate }) => `${baseline.label} → ${candidate.label}`));
  for (const label of labels) lines.push(c.dim(`  ${label}`));
  lines.push(c.dim(row(["", "baseline", "", "candidate", "", "p95", "ratio"], "95 %")));
  for (const one of measured) {
    const unit = one.unit === "ms" ? "" : `, ${one.unit}`;
    const { median, low, high } = one.ratio;
    const interval = low === null || high === null ? "" : `${low.toFixed(2)}–${high.toFixed(2)}`;
    const cells = [`${one.comparison}${unit}`, ...cellsOf(one.baseline), ...cellsOf(one.candidate)];
    lines.push(row([...cells, figure(one.candidate.p95), `${ratioText(median)}×`], interval));
    for (const [key, text] of Object.entries(one.notes)) lines.push(c.dim(`    ${key}: ${text}`));
  }
  return lines.join("\n");
}

const cellsOf = ({ median, mad }: MeasuredSide) => [figure(median), ` ± ${figure(mad, median)}`];

function row(cells: readonly string[], interval: string): string {
  const padded = cells.map((cell, i) =>
    i === 0 ? cell.padEnd(columns[0] - 2) : cell.padStart(columns[i] ?? 0),
  );
  return `  ${padded.join("")}  ${interval}`.trimEnd();
}

function verdictLine({ threshold, of, comparison, value, met }: Verdict, c: Colors): string {
  const actual = of === "ratio" ? `${ratioText(value)}×` : `${figure(value)} ms`;
  return `${met ? c.green("✓") : c.red("✗")} ${threshold}: ${met ? "" : c.red("missed, ")}${comparison} has ${actual}`;
}

function ratioText(ratio: number): string {
  return ratio >= 100 ? ratio.toFixed(0) : ratio.toFixed(2);
}

/** Three digits that count, or as many decimals as `like` would have. */
export function figure(value: number, like = value): string {
  if (!Number.isFinite(value)) return "–";
  const magnitude = like === 0 ? 2 : Math.floor(Math.log10(Math.abs(like)));
  return value.toFixed(Math.min(Math.max(0, 2 - magnitude), 4));
}

import type { Chosen } from "./load-scenarios.ts";
import type { Machine, ServerFacts } from "./machine.ts";
import type { Distribution, Ratio } from "./statistics.ts";

/** What `harness bench --json` prints. Fields are only ever added. */
export interface BenchReport {
  schemaVersion: 1;
  startedAt: string;
  durationMs: number;
  /** True: tried out with tiny data, so that the figures mean nothing. */
  quick: boolean;
  machine: Machine;
  /** Null if no scenario needed one. */
  server: ServerFacts | null;
  comparisons: Measured[];
  thresholds: Verdict[];
  exitCode: number;
}

export interface Measured extends Chosen {
  title: string;
  unit: string;
  rounds: number;
  baseline: MeasuredSide;
  candidate: MeasuredSide;
  ratio: Ratio;
  notes: Record<string, string>;
}

export interface MeasuredSide extends Distribution {
  label: string;
  /** In the order of the rounds. */
  samples: number[];
}

/** Whether a limit that was set was kept. */
export interface Verdict {
  threshold: string;
  limit: number;
  of: "ratio" | "ms";
  /** The worst of the comparisons it is about. */
  comparison: string;
  value: number;
  met: boolean;
}

/** Nothing is measured more exactly than to a microsecond, and the file stays readable. */
export function toJson(report: BenchReport): string {
  const rounded = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toFixed(4)) : value;
  return `${JSON.stringify(report, rounded, 2).replace(/\[\n\s+([-\d.,\s]+?)\s+\]/g, (_, numbers: string) => `[${numbers.replace(/\s+/g, " ")}]`)}\n`;
}

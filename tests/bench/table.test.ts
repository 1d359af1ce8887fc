import { expect, test } from "vitest";
import type { BenchReport, Measured } from "../../harness/bench/report.ts";
import { toJson } from "../../harness/bench/report.ts";
import { figure, toTable } from "../../harness/bench/table.ts";

function measured(
  comparison: string,
  baseline: number,
  candidate: number,
  changes: Partial<Measured> = {},
): Measured {
  const side = (label: string, ms: number) => ({
    ...{ label, median: ms, mad: ms / 17, p95: ms * 1.31, p99: ms * 1.4, min: ms, max: ms * 2 },
    samples: [ms, ms * 1.23456789],
  });
  return {
    ...{ scenario: "rls", comparison, title: "", unit: "ms", rounds: 2, notes: {} },
    baseline: side("explicit WHERE", baseline),
    candidate: side("policies", candidate),
    ratio: {
      median: candidate / baseline,
      low: candidate / baseline / 1.1,
      high: (candidate / baseline) * 1.1,
      confidence: 0.95,
    },
    ...changes,
  };
}

const report: BenchReport = {
  schemaVersion: 1,
  startedAt: "2026-01-01T00:00:00.000Z",
  durationMs: 1,
  quick: false,
  machine: {
    cpu: "Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz",
    cores: 64,
    memoryBytes: 2 ** 38,
    os: "Linux 6.18.44-fc-v595",
    node: "20.20.2",
  },
  server: { version: "PostgreSQL 17.10 on x86_64", remote: true, roundTripMs: 123.4, settings: {} },
  comparisons: [
    measured("count", 0.1234, 0.1178),
    measured("transaction", 12_345.6, 1_234_567.8, {
      notes: { "time in the engine": "probes 92 %, checks 7 %, model 1 %" },
    }),
    measured("stall", 0, 3, {
      unit: "rows",
      ratio: { median: Number.POSITIVE_INFINITY, low: null, high: null, confidence: 0.95 },
    }),
  ],
  thresholds: [
    { threshold: "rls<=3", limit: 3, of: "ratio", comparison: "rls/transaction", value: 100, met: false },
  ],
  exitCode: 4,
};
const scenarios = new Map();

test("the table is 80 columns wide at most, whatever the figures", () => {
  const lines = toTable(report, scenarios, false).split("\n");
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

test("the table names sides, spread, ratio, interval, and what was missed", () => {
  const table = toTable(report, scenarios, false);
  expect(table).toContain("explicit WHERE → policies");
  expect(table).toMatch(/^ {2}count +0\.123 +± 0\.007 +0\.118 +± 0\.007 +0\.154 +0\.95× +0\.87–1\.05$/m);
  expect(table).toMatch(/^ {4}time in the engine: probes 92 %/m);
  expect(table).toContain("✗ rls<=3: missed, rls/transaction has 100×");
  expect(table).not.toContain("mean nothing");
  expect(toTable({ ...report, quick: true }, scenarios, false)).toContain("mean nothing");
});

test.each([
  [0, "0"],
  [0.000_123, "0.0001"],
  [0.012_34, "0.0123"],
  [1.234, "1.23"],
  [12.34, "12.3"],
  [123.4, "123"],
  [12_345.6, "12346"],
  [1_234_567, "1.2e+6"],
  [Number.NaN, "–"],
])("%d is written as %s", (value, text) => expect(figure(value)).toBe(text));

test("JSON keeps every sample, one line a list, and no more digits than were measured", () => {
  const json = toJson(report);
  expect(JSON.parse(json).comparisons[0].baseline.samples).toEqual([0.1234, 0.1523]);
  expect(json).toContain("[0.1234, 0.1523]");
});

import { describe, expect, test } from "vitest";
import { measure } from "../../harness/bench/measure.ts";
import type { Comparison, Side } from "../../harness/bench/scenario.ts";

/** A comparison that writes down what is called, in order. */
function recorded(run: (side: string, round: number) => unknown = () => undefined) {
  const calls: string[] = [];
  const side = (label: string): Side => ({
    label,
    before: async (_, round) => calls.push(`before ${label} ${round}`),
    run: async (_, round) => {
      calls.push(`${label} ${round}`);
      return run(label, round);
    },
    after: async (_, round) => calls.push(`after ${label} ${round}`),
  });
  return { calls, comparison: { title: "", baseline: side("A"), candidate: side("B") } as Comparison };
}

describe("a run", () => {
  test("alternates, and swaps the order in every round", async () => {
    const { calls, comparison } = recorded();
    const { baseline, candidate } = await measure(comparison, null, { rounds: 4, quick: true });
    const runs = calls.filter((call) => !/before|after/.test(call));
    // One round to warm up, four that count.
    expect(runs).toEqual(["A 0", "B 0", "B 1", "A 1", "A 2", "B 2", "B 3", "A 3", "A 4", "B 4"]);
    expect([baseline.length, candidate.length]).toEqual([4, 4]);
  });

  test("leaves what comes before and after out of the figures", async () => {
    const { calls, comparison } = recorded();
    comparison.baseline.before = () => new Promise((resolve) => setTimeout(resolve, 100));
    const { baseline } = await measure(comparison, null, { rounds: 3, quick: true });
    expect(Math.min(...baseline)).toBeLessThan(75);
    expect(calls.slice(0, 5)).toEqual(["A 0", "after A 0", "before B 0", "B 0", "after B 0"]);
  });

  test("takes figures in a unit of their own from the sides", async () => {
    const { comparison } = recorded((side, round) => (side === "A" ? round : 10 * round));
    comparison.unit = "rows";
    const samples = await measure(comparison, null, { rounds: 3, quick: true });
    expect(samples).toEqual({ baseline: [1, 2, 3], candidate: [10, 20, 30] });
  });

  test("refuses a unit without figures", async () => {
    const { comparison } = recorded();
    comparison.unit = "rows";
    await expect(measure(comparison, null, { rounds: 3, quick: true })).rejects.toThrow(
      "answers with no number",
    );
  });

  test("cleans up after a side that fails, and stops", async () => {
    const { calls, comparison } = recorded((side) => {
      if (side === "B") throw new Error("broken");
    });
    await expect(measure(comparison, null, { rounds: 3, quick: true })).rejects.toThrow("broken");
    expect(calls.slice(-2)).toEqual(["B 0", "after B 0"]);
  });

  test("ends by itself, with enough rounds for an interval", async () => {
    const slow = recorded(() => new Promise((resolve) => setTimeout(resolve, 400)));
    const { baseline } = await measure(slow.comparison, null, { rounds: null, quick: false });
    expect(baseline).toHaveLength(7);
  });
});

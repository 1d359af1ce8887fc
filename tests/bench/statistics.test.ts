import { describe, expect, test } from "vitest";
import { distributionOf, intervalRank, quantile, ratioOf } from "../../harness/bench/statistics.ts";

test("a distribution is told by ranks, whatever order the samples come in", () => {
  const shuffled = [7, 1, 9, 3, 5, 1000, 2, 8, 4, 6];
  expect(distributionOf(shuffled)).toEqual({
    median: 5.5,
    mad: 2.5,
    p95: expect.closeTo(554.05),
    p99: expect.closeTo(910.81),
    min: 1,
    max: 1000,
  });
  expect(shuffled[0]).toBe(7);
  expect(distributionOf([4])).toEqual({ median: 4, mad: 0, p95: 4, p99: 4, min: 4, max: 4 });
});

test("quantiles lie between neighbours", () => {
  expect([0, 0.25, 0.5, 0.9, 1].map((q) => quantile([10, 20, 30, 40, 50], q))).toEqual([10, 20, 30, 46, 50]);
});

describe("the interval of a median", () => {
  // Published tables of the sign test give the ranks counted from 1.
  test.each([
    [6, 1],
    [8, 1],
    [9, 2],
    [20, 6],
    [25, 8],
    [50, 18],
    [100, 40],
  ])("of %i samples begins at number %i", (n, number) => expect(intervalRank(n, 0.95)).toBe(number - 1));

  test.each([0, 1, 5])("of %i samples does not exist", (n) => expect(intervalRank(n, 0.95)).toBeNull());

  test("of very many samples exists too", () => {
    const rank = intervalRank(10_000, 0.95) ?? 0;
    expect(Math.abs(rank - (5_000 - 1.96 * 50))).toBeLessThan(2);
  });

  test("is wider the surer it has to be", () => {
    expect(intervalRank(50, 0.99)).toBeLessThan(intervalRank(50, 0.9) ?? 0);
  });
});

describe("the ratio", () => {
  test("is taken round by round, so that a machine that slows down does not blur it", () => {
    const baseline = [1, 2, 4, 8, 16, 32, 64];
    const candidate = baseline.map((sample) => 3 * sample);
    expect(ratioOf(baseline, candidate)).toEqual({ median: 3, low: 3, high: 3, confidence: 0.95 });
  });

  test("has an interval around its median", () => {
    const candidate = [9, 1, 3, 5, 2, 8, 4, 6, 7];
    expect(ratioOf(Array(9).fill(1), candidate)).toEqual({ median: 5, low: 2, high: 8, confidence: 0.95 });
  });

  test("has none with too few rounds", () => {
    expect(ratioOf([1, 1, 1], [2, 2, 3])).toEqual({ median: 2, low: null, high: null, confidence: 0.95 });
  });
});

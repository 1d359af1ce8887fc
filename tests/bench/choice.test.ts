import { describe, expect, test } from "vitest";
import { choose, loadScenarios, nameOf } from "../../harness/bench/load-scenarios.ts";
import type { Measured } from "../../harness/bench/report.ts";
import { judge, parseThreshold } from "../../harness/bench/thresholds.ts";
import { HarnessError } from "../../harness/core/errors.ts";

const scenarios = await loadScenarios();
const names = (...wanted: string[]) => choose(scenarios, wanted).map(nameOf);
const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    if (error instanceof HarnessError) return [error.code, error.exitCode];
    throw error;
  }
  return null;
};

test("every file of scenarios/ is a scenario, complete and described", () => {
  expect([...scenarios.keys()]).toEqual(expect.arrayContaining(["rls", "start-up", "verify"]));
  for (const [name, { title, description, comparisons }] of scenarios) {
    expect(name).toMatch(/^[a-z][a-z-]*$/);
    expect(title && description).toBeTruthy();
    for (const [comparison, { baseline, candidate }] of Object.entries(comparisons)) {
      expect(comparison).toMatch(/^[\da-z][\da-z-]*$/);
      expect(baseline.label).not.toBe(candidate.label);
    }
  }
});

describe("what is measured", () => {
  const all = [...scenarios].flatMap(([name, { comparisons }]) =>
    Object.entries(comparisons).map(([comparison, { long }]) => ({ name: `${name}/${comparison}`, long })),
  );

  test("nothing named: everything that does not take minutes", () => {
    expect(names()).toEqual(all.filter(({ long }) => !long).map(({ name }) => name));
  });

  test("a long one, if it is named itself", () => {
    const long = all.filter((one) => one.long).map(({ name }) => name);
    expect(long).toContain("verify/growth");
    expect(names(...long)).toEqual(long);
    expect(names("verify")).not.toContain("verify/growth");
  });

  test("a scenario, one of its comparisons, each once", () => {
    expect(names("start-up")).toEqual(["start-up/help", "start-up/version"]);
    expect(names("start-up/version", "rls/list", "start-up/version")).toEqual([
      "rls/list",
      "start-up/version",
    ]);
  });

  test.each([
    ["rsl", "unknown-scenario"],
    ["", "unknown-scenario"],
    ["toString", "unknown-scenario"],
    ["rls/", "unknown-comparison"],
    ["rls/counts", "unknown-comparison"],
    ["rls/toString", "unknown-comparison"],
  ])("%j is refused", (name, code) => expect(codeOf(() => names(name))).toEqual([code, 2]));

  test("a peer that is not installed is left out, and refused if named", () => {
    const [known] = [...scenarios.values()];
    if (!known) throw new Error("no scenario");
    const [comparison] = Object.values(known.comparisons);
    if (!comparison) throw new Error("no comparison");
    const beside = (needs: string) =>
      new Map([["mine", { ...known, comparisons: { alone: comparison, beside: { ...comparison, needs } } }]]);
    expect(choose(beside("vitest"), ["mine"]).map(nameOf)).toEqual(["mine/alone", "mine/beside"]);
    expect(choose(beside("not-installed"), ["mine"]).map(nameOf)).toEqual(["mine/alone"]);
    expect(codeOf(() => choose(beside("not-installed"), ["mine/beside"]))).toEqual(["peer-not-installed", 2]);
  });
});

describe("a threshold", () => {
  const chosen = choose(scenarios, ["rls", "verify/reference"]);
  const parse = (text: string) => parseThreshold(text, scenarios, chosen);

  test.each([
    ["rls/count<=1.5", { limit: 1.5, of: "ratio", comparisons: ["rls/count"] }],
    ["rls/count <= 2x", { limit: 2, of: "ratio" }],
    ["verify<=3", { limit: 3, of: "ratio", comparisons: ["verify/reference"] }],
    ["verify/reference<=1000ms", { limit: 1000, of: "ms" }],
    ["verify/reference<=1.5s", { limit: 1500, of: "ms" }],
  ])("%s", (text, expected) => expect(parse(text)).toMatchObject({ text, ...expected }));

  test.each([
    ["", "bad-option"],
    ["rls", "bad-option"],
    ["rls<3", "bad-option"],
    ["rls=3", "bad-option"],
    ["rls<=", "bad-option"],
    ["rls<=-1", "bad-option"],
    ["rls<=1e3", "bad-option"],
    ["rls<=3h", "bad-option"],
    ["<=3", "bad-option"],
    ["start-up<=3", "bad-option"],
    ["verify/1000-tables<=3", "bad-option"],
    ["rsl<=3", "unknown-scenario"],
    ["rls/counts<=3", "unknown-comparison"],
  ])("%j is refused", (text, code) => expect(codeOf(() => parse(text))).toEqual([code, 2]));

  test("a time is no limit for what is no time", () => {
    const rows = new Map(
      [...scenarios].map(([name, s]) => [
        name,
        { ...s, comparisons: { count: { ...s.comparisons.count, unit: "rows" } } },
      ]),
    );
    expect(codeOf(() => parseThreshold("rls<=3s", rows as typeof scenarios, chosen))).toEqual([
      "bad-option",
      2,
    ]);
  });

  const measured = (comparison: string, ratio: number, ms: number) =>
    ({ scenario: "rls", comparison, ratio: { median: ratio }, candidate: { median: ms } }) as Measured;

  test("is held against the worst of a scenario", () => {
    const all = [measured("count", 1, 9), measured("list", 1.2, 5), measured("point", 0.8, 7)];
    expect(judge(parse("rls<=1.2"), all)).toMatchObject({ comparison: "rls/list", value: 1.2, met: true });
    expect(judge(parse("rls<=1.19"), all)).toMatchObject({ comparison: "rls/list", value: 1.2, met: false });
    expect(judge(parse("rls<=8ms"), all)).toMatchObject({ comparison: "rls/count", value: 9, met: false });
    expect(judge(parse("rls/point<=1"), all)).toMatchObject({ comparison: "rls/point", met: true });
  });

  test("is not met by what is no number", () => {
    expect(judge(parse("rls/count<=5"), [measured("count", Number.NaN, 1)]).met).toBe(false);
  });
});

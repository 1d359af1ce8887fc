import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, describe, expect, test } from "vitest";
import { configSchema } from "../../harness/config/schema.ts";
import { type CheckInfo, findCheck, type Result } from "../../harness/core/results.ts";
import { baselineOf, checkBaselineOptions, withBaseline } from "../../harness/report/judge/baseline.ts";
import { applyWaivers, manageWaivers } from "../../harness/report/judge/waivers.ts";
import { everyOutcome, hostileNames, hostileResults, result } from "../report/support/report.ts";

const today = "2026-06-15";
const checks: CheckInfo[] = [
  { ...result(), title: "t", aliases: ["H099", "old-name"] },
  { ...result({ code: "4c", name: "close-without-context" }), title: "t" },
  { ...result({ code: "H201", name: "hide-foreign-rows" }), title: "t" },
  manageWaivers,
];
const scope = { checks, asked: new Set(checks.map(({ code }) => code)) };
const waiver = (changes: object = {}) => ({
  code: "H101",
  object: "public.bookings",
  reason: "a view for partners",
  owner: "dba@example.com",
  expires: "2026-12-31",
  ...changes,
});
const outcomes = (results: Result[]) => results.map(({ object, outcome }) => `${object}: ${outcome}`);

/** What is said about one waiver, and the results after it. */
function apply(results: Result[], changes: object = {}) {
  const { results: after, answers } = applyWaivers(results, [waiver(changes)], scope, today);
  expect(answers).toHaveLength(1);
  const [{ outcome, detail, object, code, severity }] = answers as [Result];
  expect([code, severity]).toEqual(["H002", "medium"]);
  return { after, answer: `${outcome}: ${detail}`, object };
}

describe("waivers", () => {
  test("waive the findings of their check on their object, with the reason", () => {
    const { after, answer, object } = apply([
      result(),
      result({ object: "public.rooms" }),
      result({ code: "4c" }),
    ]);
    expect(outcomes(after)).toEqual([
      "public.bookings: waived",
      "public.rooms: fail",
      "public.bookings: fail",
    ]);
    expect(after[0]).toMatchObject({
      detail: expect.stringMatching(/; waived until 2026-12-31 by dba@example\.com: a view for partners$/),
      waiver: {
        source: "config",
        reason: "a view for partners",
        owner: "dba@example.com",
        expires: "2026-12-31",
      },
    });
    expect(answer).toBe("pass: it waives 1 finding until 2026-12-31");
    expect(object).toBe("waiver of H101 public.bookings");
  });

  test("count on their last day, and not on the next", () => {
    expect(outcomes(apply([result()], { expires: today }).after)).toEqual(["public.bookings: waived"]);
    const { after, answer } = apply([result()], { expires: "2026-06-14" });
    expect(outcomes(after)).toEqual(["public.bookings: fail"]);
    expect(answer).toMatch(/^fail: it expired on 2026-06-14, .*dba@example\.com/);
  });

  test("without a finding they are findings themselves", () => {
    expect(apply([result({ outcome: "pass" })]).answer).toMatch(/^fail: no finding of H101 matches it/);
    expect(apply([]).answer).toMatch(/^fail: no finding/);
  });

  test("nobody knows whether they are needed while their check was not decided", () => {
    for (const outcome of ["skipped", "error"] as const) {
      const { after, answer } = apply([result({ object: "database", outcome })]);
      expect(answer).toMatch(/^skipped: H101 was not decided/);
      expect(outcomes(after)).toEqual([`database: ${outcome}`]);
    }
    expect(apply([result({ code: "H201", object: "database", outcome: "error" })]).answer).toMatch(/^fail/);
  });

  test("an unknown check is a finding", () => {
    expect(apply([result()], { code: "H999" }).answer).toMatch(/^fail: there is no check H999/);
  });

  test("cannot waive what is wrong with waivers", () => {
    expect(apply([result()], { code: "H002", object: "*" }).answer).toMatch(/^fail: .*cannot be waived/);
  });

  test.each(["h101", "ENABLE-ROW-SECURITY", "h099", "Old-Name"])("know the check as %s", (code) => {
    const { after, object } = apply([result()], { code });
    expect(outcomes(after)).toEqual(["public.bookings: waived"]);
    expect(object).toBe("waiver of H101 public.bookings");
  });

  test.each<[string, string, boolean]>([
    ["public.*", "public.bookings", true],
    ["*.bookings", "public.bookings", true],
    ["*", 'a."b\nc"', true],
    ["public.b*s", "public.bookings", true],
    ["public.b*x", "public.bookings", false],
    ["public.booking", "public.bookings", false],
    ["public.booking.", "public.bookings", false],
    ["publicxbookings", "public.bookings", false],
    ["PUBLIC.bookings", "public.bookings", false],
    ['public."a.b"', 'public."a.b"', true],
    ["public.(a+)+$", "public.(a+)+$", true],
    ['public."*"', 'public."two\nlines"', true],
  ])("%j matches %j: %s", (pattern, object, matches) => {
    expect(outcomes(apply([result({ object })], { object: pattern }).after)).toEqual([
      `${object}: ${matches ? "waived" : "fail"}`,
    ]);
  });

  test.each(hostileNames)("match the hostile name %j exactly", (object) => {
    const { after } = apply(hostileResults(), { object });
    expect(after.filter(({ outcome }) => outcome === "waived").map((each) => each.object)).toEqual([object]);
  });

  test("many stars take no time", () => {
    const started = performance.now();
    apply([result({ object: `public.${"a".repeat(120)}` })], { object: "*a*a*a*a*b" });
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("waivers in the configuration", () => {
  const parse = (changes: object) => v.safeParse(configSchema, { waivers: [{ ...waiver(), ...changes }] });
  test("are complete, and expire on a day that exists", () => {
    expect(parse({}).success).toBe(true);
    expect(parse({ expires: "2028-02-29" }).success).toBe(true);
    for (const wrong of [
      { expires: "2027-02-29" },
      { expires: "tomorrow" },
      { expires: "2026-1-1" },
      { expires: undefined },
      { reason: "" },
      { owner: "" },
      { owner: undefined },
      { object: "" },
      { code: "" },
      { until: "2026-01-01" },
    ]) {
      expect(parse(wrong).success, JSON.stringify(wrong)).toBe(false);
    }
  });
});

describe("baseline", () => {
  const folder = mkdtempSync(join(tmpdir(), "harness-baseline-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let files = 0;
  const write = (content: unknown) => {
    const file = join(folder, `${++files}.json`);
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    return file;
  };
  const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
  const about = (results: Result[]) => results.filter(({ code }) => code === "H002");

  test("holds what fails, in an order of its own, and nothing that changes by itself", () => {
    const results = [result({ object: "public.b" }), result({ object: "public.a" }), ...everyOutcome()];
    const expected = {
      schemaVersion: 1,
      findings: ["public.a", "public.b", "public.guests"].map((object) => ({
        code: "H101",
        object,
        severity: "critical",
      })),
    };
    expect(baselineOf(results)).toEqual(expected);
    expect(baselineOf([...results].reverse())).toEqual(expected);
  });

  test("written and read again, it covers what was there, also under hostile names", () => {
    const file = join(folder, "written.json");
    const first = withBaseline(hostileResults(), { baseline: file, writeBaseline: true }, scope);
    expect(first.note).toBe(`${file}: ${hostileNames.length} known findings written`);
    const again = withBaseline(hostileResults(), { baseline: file }, scope).results;
    expect(again.map(({ outcome }) => outcome)).toEqual([...hostileNames.map(() => "waived"), "pass"]);
    expect(again[0]?.waiver).toMatchObject({ source: "baseline" });
    expect(readFileSync(file, "utf8")).toMatch(/^\{\n {2}"schemaVersion": 1,\n/);
  });

  test("what is new, or has become worse, counts", () => {
    const baseline = write(baselineOf([result({ severity: "low" }), result({ object: "public.rooms" })]));
    const now = [
      result(),
      result({ object: "public.rooms", severity: "high" }),
      result({ object: "public.new" }),
    ];
    const { results } = withBaseline(now, { baseline }, scope);
    expect(outcomes(results)).toEqual([
      "public.bookings: fail",
      "public.rooms: waived",
      "public.new: fail",
      "baseline: pass",
    ]);
    expect(results[0]?.detail).toMatch(/; the baseline knows it as low only$/);
  });

  test("what occurs no more is a remark, until it is pruned", () => {
    const gone = Array.from({ length: 5 }, (_, at) => result({ object: `public.gone${at}` }));
    const baseline = write(baselineOf([result(), ...gone]));
    const [, remark] = withBaseline([result()], { baseline }, scope).results;
    expect(remark).toMatchObject({ code: "H002", object: "baseline", outcome: "fail", severity: "low" });
    expect(remark?.detail).toMatch(/^H101 public\.gone0, .* and 2 more occur no more: --prune-baseline/);

    const pruned = withBaseline(
      [result(), result({ object: "public.new" })],
      { baseline, pruneBaseline: true },
      scope,
    );
    expect(pruned.note).toBe(`${baseline}: 5 findings removed, 1 left`);
    expect(outcomes(pruned.results)).toEqual([
      "public.bookings: waived",
      "public.new: fail",
      "baseline: pass",
    ]);
    expect(read(baseline).findings).toEqual([
      { code: "H101", object: "public.bookings", severity: "critical" },
    ]);
  });

  test("what was not decided may still be there, and stays", () => {
    const baseline = write(baselineOf([result()]));
    const undecided = [result({ object: "database", outcome: "skipped" })];
    expect(about(withBaseline(undecided, { baseline, pruneBaseline: true }, scope).results)).toMatchObject([
      { outcome: "pass" },
    ]);
    expect(read(baseline).findings).toHaveLength(1);
  });

  test("a finding that is waived still occurs, and is waived as the configuration says", () => {
    const baseline = write(baselineOf([result()]));
    const { results } = applyWaivers([result()], [waiver()], scope, today);
    const [first, answer] = withBaseline(results, { baseline }, scope).results;
    expect(first?.waiver?.source).toBe("config");
    expect(answer?.outcome).toBe("pass");
  });

  test("a former code of a check is understood", () => {
    const baseline = write({
      schemaVersion: 1,
      findings: [{ code: "H099", object: "public.bookings", severity: "critical" }],
    });
    expect(outcomes(withBaseline([result()], { baseline }, scope).results)).toEqual([
      "public.bookings: waived",
      "baseline: pass",
    ]);
  });

  test.each<[string, unknown]>([
    ["not JSON", "{"],
    ["another version", { schemaVersion: 2, findings: [] }],
    ["no findings", { schemaVersion: 1 }],
    [
      "an unknown severity",
      { schemaVersion: 1, findings: [{ code: "a", object: "b", severity: "dreadful" }] },
    ],
  ])("%s is refused before any work is done", (_, content) => {
    expect(() => checkBaselineOptions({ baseline: write(content) })).toThrow(
      expect.objectContaining({ code: "baseline-unreadable" }),
    );
  });

  test("a file that is not there is refused, unless it is to be written", () => {
    const baseline = join(folder, "none.json");
    expect(() => checkBaselineOptions({ baseline })).toThrow(
      expect.objectContaining({ code: "baseline-unreadable" }),
    );
    expect(() => checkBaselineOptions({ baseline, writeBaseline: true })).not.toThrow();
    expect(() => checkBaselineOptions({ writeBaseline: true })).toThrow(
      expect.objectContaining({ code: "no-baseline" }),
    );
    expect(() => checkBaselineOptions({ pruneBaseline: true })).toThrow(
      expect.objectContaining({ code: "no-baseline" }),
    );
  });
});

test("a code counts more than another check's former code", () => {
  const moved = [...checks, { ...result({ code: "H099", name: "new-check" }), title: "t" }];
  expect(findCheck(moved, "h099")?.name).toBe("new-check");
  expect(findCheck(moved, "nothing")).toBeUndefined();
});

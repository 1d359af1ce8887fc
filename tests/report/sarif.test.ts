import { describe, expect, test } from "vitest";
import sarif from "../../harness/report/formats/sarif.ts";
import { everyOutcome, hostileNames, hostileResults, plain, report, result } from "./support/report.ts";

const runOf = (...args: Parameters<typeof report>) => JSON.parse(sarif(report(...args), plain)).runs[0];

describe("sarif", () => {
  test("findings are results; what is waived is suppressed; what passed is left out", () => {
    const { results } = runOf(everyOutcome());
    expect(results).toHaveLength(2);
    expect(results[0]).toMatchObject({ ruleId: "H101", level: "error", suppressions: [] });
    expect(results[0].message.text).toMatch(/^public\.guests: row security is disabled/);
    expect(results[1].suppressions).toMatchObject([
      { kind: "external", status: "accepted", justification: "moving away, owner dba, until 2099-01-01" },
    ]);
  });

  test("what was not decided is told as a notification", () => {
    const [invocation] = runOf(everyOutcome()).invocations;
    expect(invocation).toMatchObject({ executionSuccessful: false, exitCode: 1 });
    expect(
      invocation.toolExecutionNotifications.map((each: { level: string; associatedRule: { id: string } }) => [
        each.level,
        each.associatedRule.id,
      ]),
    ).toEqual([
      ["warning", "H201"],
      ["error", "H202"],
    ]);
  });

  test("each rule has its page, and results point at their rule", () => {
    const { tool, results } = runOf(everyOutcome());
    const { rules } = tool.driver;
    expect(rules.map(({ id }: { id: string }) => id)).toEqual(["H101", "H201", "H202"]);
    expect(rules[0]).toMatchObject({
      name: "enable-row-security",
      shortDescription: { text: "Every table that a tenant role can reach has row security enabled" },
      defaultConfiguration: { level: "error" },
      properties: { "security-severity": "9.5" },
    });
    expect(rules[0].help.markdown).toContain("\n## Mend it\n");
    expect(rules[0].help.text).toContain("Problem");
    for (const each of results) expect(rules[each.ruleIndex].id).toBe(each.ruleId);
  });

  test("the level follows the severity", () => {
    const { results } = runOf(
      (["critical", "high", "medium", "low"] as const).map((severity) => result({ severity })),
    );
    expect(results.map(({ level }: { level: string }) => level)).toEqual([
      "error",
      "error",
      "warning",
      "note",
    ]);
  });

  test("an object of the database is a logical location", () => {
    const of = (object: string, area = "probes") =>
      runOf([result({ object, area })]).results[0].locations[0].logicalLocations[0];
    expect(of("public.bookings")).toEqual({
      name: "bookings",
      fullyQualifiedName: "public.bookings",
      kind: "table",
    });
    expect(of('public."a.b""c"')).toMatchObject({ name: '"a.b""c"', kind: "object" });
    expect(of("authenticated", "roles")).toMatchObject({ name: "authenticated", kind: "role" });
  });

  test("the fingerprint follows check and object, and nothing else", () => {
    const of = (changes: Parameters<typeof result>[0]) =>
      runOf([result(changes)]).results[0].partialFingerprints.primaryLocationLineHash;
    expect(of({})).toBe("5e65438a77339afb822df4cf8ed2f288");
    expect(of({ detail: "otherwise", severity: "low", fix: null, evidence: "select 2;" })).toBe(of({}));
    expect(of({ object: "public.guests" })).not.toBe(of({}));
    expect(of({ code: "H102" })).not.toBe(of({}));
  });

  test("hostile names come back exactly, and are neither placeholders nor links", () => {
    const { results } = runOf(hostileResults());
    expect(results).toHaveLength(hostileNames.length);
    for (const [at, each] of results.entries()) {
      expect(each.locations[0].logicalLocations[0].fullyQualifiedName).toBe(hostileNames[at]);
      expect(each.message.text).not.toMatch(/(?<!\{)\{\d+\}|(?<!\\)\[[^\]]*\]\(/);
    }
  });

  test("the run is named after the branch, and a hostile name can't leave its place", () => {
    expect(runOf([]).automationDetails.id).toBe("harness-verify/main/");
    expect(runOf([], { branch: "a/../b\ud800" }).automationDetails.id).toBe(
      "harness-verify/a%2F..%2Fb%5Cud800/",
    );
  });
});

import { describe, expect, test } from "vitest";
import { printable } from "../../harness/core/printable.ts";
import junit from "../../harness/report/formats/junit.ts";
import { everyOutcome, hostileNames, hostileResults, plain, report } from "./support/report.ts";
import { parseXml } from "./support/xml.ts";

const xml = (...args: Parameters<typeof report>) => parseXml(junit(report(...args), plain));

describe("junit", () => {
  test("a suite for each check, a case for each result, the outcomes kept apart", () => {
    const suites = xml(everyOutcome());
    expect(suites.attributes).toMatchObject({
      tests: "5",
      failures: "1",
      errors: "1",
      skipped: "2",
      time: "1.234",
    });
    const seen = suites.children.map((suite) => [
      suite.attributes.name,
      ...suite.children.map((each) => `${each.attributes.name}: ${each.children[0]?.name ?? "pass"}`),
    ]);
    expect(seen).toEqual([
      [
        "H101 enable-row-security",
        "public.bookings: pass",
        "public.guests: failure",
        "public.rooms: skipped",
      ],
      ["H201 hide-foreign-rows", "database: skipped"],
      ["H202 refuse-foreign-insert", "database: error"],
    ]);
    expect(suites.children[0]?.attributes).toMatchObject({
      tests: "3",
      failures: "1",
      errors: "0",
      skipped: "1",
    });
    const [, , waived] = suites.children[0]?.children ?? [];
    expect(waived?.children[0]?.attributes.message).toMatch(/^waived: .*moving away/);
  });

  test("a failure says what, shows the SQL and names the page", () => {
    const failure = xml(everyOutcome()).children[0]?.children[1]?.children[0];
    expect(failure?.attributes).toMatchObject({ type: "critical" });
    expect(failure?.text).toContain("select count(*) from public.bookings;  -- expected: 0\nrollback;");
    expect(failure?.text).toContain("alter table public.bookings enable row level security;");
    expect(failure?.text).toContain("docs/checks/H101.md");
  });

  test.each(["fail", "waived", "skipped", "error", "pass"] as const)(
    "%s: hostile names stay names",
    (outcome) => {
      const cases = xml(hostileResults({ outcome })).children.flatMap((suite) => suite.children);
      expect(cases.map((each) => each.attributes.name)).toEqual(hostileNames.map(printable));
    },
  );
});

import { Parser } from "tap-parser";
import { describe, expect, test } from "vitest";
import { printable } from "../../harness/core/printable.ts";
import tap from "../../harness/report/formats/tap.ts";
import { everyOutcome, hostileNames, hostileResults, plain, report } from "./support/report.ts";

interface Point {
  ok: boolean;
  name: string;
  skip?: unknown;
  todo?: unknown;
  diag?: Record<string, unknown>;
}

function parse(results: Parameters<typeof report>[0]) {
  const text = tap(report(results), plain);
  const points: Point[] = [];
  const extra: string[] = [];
  const parser = new Parser({ strict: true });
  parser.on("assert", (point) => points.push(point as unknown as Point));
  parser.on("extra", (line) => extra.push(line));
  parser.end(text);
  return { text, points, extra, parser };
}

describe("tap", () => {
  test("is TAP 14 with a plan, and says each outcome in its own way", () => {
    const { text, points, extra, parser } = parse(everyOutcome());
    expect(text).toMatch(/^TAP version 14\n1\.\.5\n/);
    expect(extra).toEqual([]);
    expect(points.map(({ ok, skip, todo }) => [ok, Boolean(skip), Boolean(todo)])).toEqual([
      [true, false, false],
      [false, false, false],
      [false, false, true],
      [true, true, false],
      [false, false, false],
    ]);
    expect(parser.results).toMatchObject({ count: 5, fail: 3, skip: 1, todo: 1, ok: false });
    expect(text).toMatch(/\n# Not isolated: [^\n]+\n$/);
  });

  test("a finding carries its SQL", () => {
    const [, finding] = parse(everyOutcome()).points;
    expect(finding?.diag).toMatchObject({
      outcome: "fail",
      severity: "critical",
      evidence: expect.stringContaining("rollback;"),
      fix: "alter table public.bookings enable row level security;",
      docs: "docs/checks/H101.md",
    });
  });

  test("nothing to say is a plan of nothing", () => {
    expect(tap(report([]), plain)).toContain("\n1..0 # SKIP ");
  });

  test.each(["fail", "waived", "skipped", "error", "pass"] as const)(
    "%s: hostile names stay names",
    (outcome) => {
      const { text, points, extra } = parse(hostileResults({ outcome }));
      expect(extra).toEqual([]);
      expect(points).toHaveLength(hostileNames.length);
      for (const [at, { name, skip, todo, diag }] of points.entries()) {
        const object = hostileNames[at] as string;
        // the parser leaves some escapes in the name as they are
        expect(name.replace(/\\([\\#])/g, "$1")).toBe(
          `H101 enable-row-security: ${printable(object)}`.replace(/\\([\\#])/g, "$1"),
        );
        expect([Boolean(skip), Boolean(todo)]).toEqual([outcome === "skipped", outcome === "waived"]);
        if (diag) expect(diag.message).toBe(`role reads ${object} without a tenant`);
      }
      expect(text).not.toMatch(/^Bail out/m);
    },
  );
});

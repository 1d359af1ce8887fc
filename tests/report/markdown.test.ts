import { describe, expect, test } from "vitest";
import { printable } from "../../harness/core/printable.ts";
import markdown from "../../harness/report/formats/markdown.ts";
import { codeSpan, prose, sqlBlock } from "../../harness/report/markdown-text.ts";
import { everyOutcome, hostileNames, hostileResults, plain, report, result } from "./support/report.ts";

const of = (results: Parameters<typeof report>[0]) => markdown(report(results), plain);

/** The text outside of fenced code, as lines. Throws if a fence stays open. */
function linesOutsideCode(text: string): string[] {
  const outside: string[] = [];
  let fence: string | null = null;
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (fence !== null) {
      if (new RegExp(`^${fence}\`*$`).test(line)) fence = null;
      continue;
    }
    fence = /^`{3,}/.exec(line)?.[0] ?? null;
    if (fence === null) outside.push(line);
  }
  if (fence !== null) throw new Error("a code block is not closed");
  return outside;
}

describe("markdown", () => {
  test("verdict, tables by outcome, SQL, and a line about what passed", () => {
    const text = of(everyOutcome());
    expect(text).toMatch(/^<!-- harness verify -->\n## ❌ harness verify: Not isolated\n/);
    expect(text.match(/^#.*/gm)).toEqual([
      "## ❌ harness verify: Not isolated",
      "### Findings",
      "### Not decided, and so not proved",
      "### Waived",
    ]);
    expect(text).toContain(
      "| critical | H101 enable\\-row\\-security | `public.guests` | row security is disabled",
    );
    expect(text).toContain("```sql\nalter table public.bookings enable row level security;\n```");
    expect(text).toContain("Passed: enablement 1.");
  });

  test("an isolated database is short, however many tables it has", () => {
    const passed = Array.from({ length: 10_000 }, (_, at) =>
      result({ object: `public.t${at}`, outcome: "pass" }),
    );
    expect(of(passed).length).toBeLessThan(500);
  });

  test.each(["fail", "waived", "skipped", "error"] as const)(
    "%s: hostile names can't break a table, a block or a tag",
    (outcome) => {
      const lines = linesOutsideCode(of(hostileResults({ outcome })));
      const rows = lines.filter((line) => line.startsWith("|"));
      expect(rows).toHaveLength(hostileNames.length + 2);
      for (const row of rows) expect(row.replace(/\\./g, "").split("|")).toHaveLength(6);
      const html = lines.join("\n").replace(/`+[^\n]*`+/g, "");
      const tags = new Set([...html.matchAll(/<[^>\n]*>/g)].map(([tag]) => tag));
      const ours = [
        "<!-- harness verify -->",
        "<details>",
        "<summary>",
        "<code>",
        "</code>",
        "</summary>",
        "</details>",
      ];
      expect([...tags].filter((tag) => !ours.includes(tag))).toEqual([]);
      expect(lines.filter((line) => /^\s*::/.test(line))).toEqual([]);
    },
  );

  test("as many details are closed as are opened", () => {
    const lines = linesOutsideCode(of(hostileResults()));
    const count = (text: string) => lines.filter((line) => line.startsWith(text)).length;
    expect(count("<details>")).toBe(hostileNames.length);
    expect(count("</details>")).toBe(hostileNames.length);
  });

  test("too much is left out with a note, and fits into a comment", () => {
    const many = Array.from({ length: 2000 }, (_, at) =>
      result({ object: `public."表${at}"`, detail: "é".repeat(60) }),
    );
    const text = of(many);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(65_000);
    expect(Buffer.byteLength(text)).toBeGreaterThan(55_000);
    expect(text).toMatch(/\d+ of 2000 rows are left out for want of room/);
    expect(text).toMatch(/\d+ of 2000 objects are left out for want of room/);
    linesOutsideCode(text);
  });

  test("one finding that is larger than a comment is left out with a note", () => {
    const text = of([result({ evidence: "select 1;\n".repeat(10_000) })]);
    expect(Buffer.byteLength(text)).toBeLessThan(65_000);
    expect(text).toContain("1 of 1 objects are left out");
  });
});

test("prose has no markup, tells nobody and links nothing", () => {
  const hostile =
    "[x](https://evil.example) ![i](y) www.evil.example @everyone #12 :tada: $a$ <b> **b** `c` ~s~ &lt;";
  const safe = prose(hostile);
  expect(safe).not.toMatch(/(?<!\\)[[\]()!*`~$:|_]|<|@\w|#\d|www\./);
  expect(safe).toContain("\\&amp;lt;".replace("\\", ""));
});

test("a code span outlasts the backticks in it", () => {
  expect(codeSpan("a`b``c")).toBe("```a`b``c```");
  expect(codeSpan("`a`")).toBe("`` `a` ``");
  expect(codeSpan("a|b", "table")).toBe("`a\\|b`");
  expect(codeSpan("a\nb")).toBe("`a\\nb`");
});

test("an SQL block outlasts the fences in it", () => {
  expect(sqlBlock("select 1;\n````\n# not a heading")).toBe(
    "`````sql\nselect 1;\n````\n# not a heading\n`````",
  );
});

test("hostile names are shown, not swallowed", () => {
  for (const name of hostileNames) expect(codeSpan(name)).toContain(printable(name));
});

import { describe, expect, test } from "vitest";
import { splitStatements } from "../../harness/database/statements.ts";
import { planMending, toMigration } from "../../harness/report/mending-sql.ts";
import { hostileResults, result } from "./support/report.ts";

const migration = (...results: Parameters<typeof planMending>) => toMigration(planMending(...results));
const codeLines = (sql: string) => sql.split("\n").filter((line) => line && !line.startsWith("--"));

describe("the migration that mends", () => {
  test("says which finding each statement mends, and has each once", async () => {
    const sql = migration([
      result({ code: "4c", detail: "it is open" }),
      result({ code: "H101", detail: "it is disabled" }),
      result({
        code: "H206",
        detail: "it can be truncated",
        fix: "revoke truncate on public.bookings from a;",
      }),
    ]);
    expect(sql).toContain(
      "-- 4c public.bookings: it is open\n-- H101 public.bookings: it is disabled\nalter table public.bookings enable",
    );
    expect((await splitStatements(sql)).map(({ text }) => text)).toEqual([
      "alter table public.bookings enable row level security",
      "revoke truncate on public.bookings from a",
    ]);
  });

  test("roles come first, then object by object", () => {
    const sql = migration([
      result({ object: "public.b", fix: "select 'b1';" }),
      result({ object: "public.a", fix: "select 'a';" }),
      result({ object: "public.b", fix: "select 'b2';" }),
      result({ object: "authenticated", area: "roles", fix: "create role authenticated;" }),
    ]);
    expect(codeLines(sql)).toEqual([
      "create role authenticated;",
      "select 'b1';",
      "select 'b2';",
      "select 'a';",
    ]);
  });

  test("only findings are mended: what passed, is waived or was not decided is left alone", () => {
    for (const outcome of ["pass", "waived", "skipped", "error"] as const) {
      expect(planMending([result({ outcome })])).toEqual({ mendings: [], left: [] });
    }
  });

  test("what has no SQL is named at the end", () => {
    expect(migration([result(), result({ object: "public.x", fix: null, detail: "no way" })])).toMatch(
      /\n-- Not mended by this:\n-- H101 public\.x: no way\n$/,
    );
  });

  test.each(["select 1", "select 1;  -- why", "select 1  -- why", "select 1 -- why;", "select ';--'"])(
    "%s is ended before the next one",
    async (fix) => {
      const sql = migration([result({ fix }), result({ fix: "select 2;", object: "public.x" })]);
      expect(await splitStatements(sql)).toHaveLength(2);
    },
  );

  test("hostile names stay in their comments and their quotes, and steer nothing", async () => {
    const sql = migration(hostileResults());
    const statements = await splitStatements(sql.replaceAll("\ud800", "x"));
    expect(statements.length).toBeGreaterThan(15);
    for (const { text } of statements)
      expect(text).toMatch(/^alter table public\."[\s\S]*" enable row level security$/);
    expect(sql).not.toMatch(/--!|:DATABASE_OWNER(?![^\n]* )/);
    expect(sql).toContain("Not mended by this:");
  });
});

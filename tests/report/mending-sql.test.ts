import { describe, expect, test } from "vitest";
import { planMending, toMigration } from "../../harness/report/mending-sql.ts";
import { splitStatements } from "../../harness/sql/parse/statements.ts";
import { hostileResults, result } from "./support/report.ts";

const migration = async (...results: Parameters<typeof planMending>) =>
  toMigration(await planMending(...results));
const codeLines = (sql: string) => sql.split("\n").filter((line) => line && !line.startsWith("--"));

describe("the migration that mends", async () => {
  test("says which finding each statement mends, and has each once", async () => {
    const sql = await migration([
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

  test("roles come first, then object by object", async () => {
    const sql = await migration([
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

  test("only findings are mended: what passed, is waived or was not decided is left alone", async () => {
    for (const outcome of ["pass", "waived", "skipped", "error"] as const) {
      expect(await planMending([result({ outcome })])).toEqual({ mendings: [], left: [] });
    }
  });

  test("what has no SQL is named at the end", async () => {
    expect(await migration([result(), result({ object: "public.x", fix: null, detail: "no way" })])).toMatch(
      /\n-- Not mended by this:\n-- H101 public\.x: no way\n$/,
    );
  });

  test.each(["select 1", "select 1;  -- why", "select 1  -- why", "select 1 -- why;", "select ';--'"])(
    "%s is ended before the next one",
    async (fix) => {
      const sql = await migration([result({ fix }), result({ fix: "select 2;", object: "public.x" })]);
      expect(await splitStatements(sql)).toHaveLength(2);
    },
  );

  test.each<[string, string[], string[]]>([
    [
      "what is dropped needs no other change, before or after",
      [
        "alter policy p on public.a using (true);",
        "drop policy p on public.a;",
        "alter policy p on public.a to x;",
      ],
      ["drop policy p on public.a"],
    ],
    [
      "nor is it dropped twice, however its name is written",
      ['drop policy "p" on public.a;', "drop policy p on public.a;", "drop policy q on public.a;"],
      ['drop policy "p" on public.a', "drop policy q on public.a"],
    ],
    [
      "a policy is made once",
      ["create policy p on public.a using (x = 1);", "create policy p on public.a using (x = 2);"],
      ["create policy p on public.a using (x = 1)"],
    ],
    [
      "but anew after its own drop",
      [
        "create policy p on public.a using (x = 1);",
        "drop policy if exists p on public.a; create policy p on public.a using (x = 2);",
        "alter policy p on public.a to y;",
      ],
      [
        "create policy p on public.a using (x = 1)",
        "drop policy if exists p on public.a",
        "create policy p on public.a using (x = 2)",
        "alter policy p on public.a to y",
      ],
    ],
    [
      "another table's policy of that name is another one",
      ["drop policy p on public.a;", "alter policy p on public.b to x;"],
      ["drop policy p on public.a", "alter policy p on public.b to x"],
    ],
    [
      "what is on a view that goes, goes with it",
      [
        "revoke all on public.v from x;",
        "drop view public.v;",
        "alter view public.v set (security_invoker = true);",
      ],
      ["drop view public.v"],
    ],
    [
      "a function that goes, by its arguments",
      [
        "alter function public.f(int) stable;",
        "drop function public.f(integer);",
        "revoke execute on function public.f(text) from x;",
      ],
      ["drop function public.f(integer)", "revoke execute on function public.f(text) from x"],
    ],
    [
      "a constraint is dropped and added once",
      [
        "alter table public.a drop constraint c, add constraint c unique (t, x);",
        "alter table public.a drop constraint c, add constraint c unique (t, x);",
      ],
      ["alter table public.a drop constraint c, add constraint c unique (t, x)"],
    ],
    [
      "an index of no name is made once",
      ["create index on public.a (t);", "create index on public.a (t); select 1;"],
      ["create index on public.a (t)", "select 1"],
    ],
    [
      "privileges may be taken twice: in between they may have been lent",
      [
        "grant x to y with inherit true; alter schema a owner to y; grant x to y with inherit false;",
        "grant x to y with inherit true; alter schema b owner to y; grant x to y with inherit false;",
      ],
      [
        "grant x to y with inherit true",
        "alter schema a owner to y",
        "grant x to y with inherit false",
        "grant x to y with inherit true",
        "alter schema b owner to y",
        "grant x to y with inherit false",
      ],
    ],
  ])("%s", async (_, fixes, expected) => {
    const sql = await migration(fixes.map((fix, at) => result({ fix, object: `public.o${at}` })));
    expect((await splitStatements(sql)).map(({ text }) => text.trim())).toEqual(expected);
  });

  test("hostile names stay in their comments and their quotes, and steer nothing", async () => {
    const sql = await migration(hostileResults());
    const statements = await splitStatements(sql.replaceAll("\ud800", "x"));
    expect(statements.length).toBeGreaterThan(15);
    for (const { text } of statements)
      expect(text).toMatch(/^alter table public\.(U&)?"[^\n]*" enable row level security$/);
    expect(sql).not.toMatch(/--!|(?<!-- [^\n]*):DATABASE_OWNER/);
    expect(sql).not.toContain("Not mended by this:");
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import { afterAll, expect, test } from "vitest";
import { HarnessError } from "../../harness/core/errors.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { type Composed, compose } from "../../harness/sql/compose.ts";
import { readFragment } from "../../harness/sql/fragments.ts";
import { readSqlFile, readSqlFolder } from "../../harness/sql/sql-file.ts";
import { testDatabase } from "../support/database.ts";

const { client } = await testDatabase("empty");
const root = mkdtempSync(join(tmpdir(), "harness-fragments-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let cases = 0;

/** Composes a query with fragments of the case's own. */
function composed(query: string, fragments: Record<string, string> = {}): Composed {
  const folder = join(root, String(++cases));
  mkdirSync(join(folder, "fragments"), { recursive: true });
  for (const [name, text] of Object.entries(fragments)) {
    writeFileSync(join(folder, "fragments", `${name}.sql`), text);
  }
  writeFileSync(join(folder, "query.sql"), query);
  return compose(readSqlFile(join(folder, "query.sql")), join(folder, "fragments"));
}

async function answer(query: string, fragments: Record<string, string>): Promise<unknown[]> {
  const { rows } = await client.query({ text: composed(query, fragments).text, rowMode: "array" });
  return rows.flat();
}

const one = { one: "one as (\n  select 1 as n\n)\n" };

test("a query alone stays as it is", () => {
  const text = "-- title: alone\nselect 1;\n";
  expect(composed(text)).toEqual({ text, fragments: [] });
});

test("a fragment comes in front of a query with CTEs of its own, or none", async () => {
  expect(await answer("-- uses: one\nselect n from one", one)).toEqual([1]);
  expect(
    await answer(
      "-- uses: one\n-- What it is.\nwith two as (select n + 1 as n from one)\nselect n from two",
      one,
    ),
  ).toEqual([2]);
  const recursive =
    "-- uses: one\nwith recursive up as (\n  select n from one union all select n + 1 from up where n < 3\n)\nselect n from up";
  expect(await answer(recursive, one)).toEqual([1, 2, 3]);
});

test("what fragments need comes before them, once, and nothing else does", () => {
  const fragments = {
    ...one,
    two: "-- uses: one\ntwo as materialized (select n + 1 as n from one)",
    three: "-- uses: two, one\nthree (n) as not materialized (select two.n + one.n from two cross join one)",
    other: "other as (select 0 as n)",
  };
  const { text, fragments: order } = composed("-- uses: three\nselect n from three", fragments);
  expect(order).toEqual(["one", "two", "three"]);
  expect(text.match(/^\w+ (?:\(n\) )?as /gm)).toEqual(["one as ", "two as ", "three (n) as "]);
});

test("the header may go on in another line", async () => {
  const fragments = { ...one, two: "two as (select 2 as n)" };
  expect(
    await answer("-- uses: one,\n--   two\nselect one.n + two.n from one cross join two", fragments),
  ).toEqual([3]);
});

test("a fragment reads what the query brings along", async () => {
  const fragments = { doubled: "-- given: numbers\ndoubled as (select 2 * n as n from numbers)" };
  const query = "-- uses: doubled\nwith numbers (n) as (values (4))\nselect n from doubled";
  expect(await answer(query, fragments)).toEqual([8]);
});

test("a CTE of the query stands in for a fragment, for whatever reads it, where the header says so", async () => {
  const fragments = { ...one, two: "-- uses: one\ntwo as (select n + 1 as n from one)" };
  const query = "-- uses: two\n-- replaces: one\nwith one as (select 10 as n)\nselect n from two";
  expect(await answer(query, fragments)).toEqual([11]);
});

test("quotes, comments and parentheses in them mislead nobody", async () => {
  const fragments = {
    odd: `odd as (
  -- ) as (
  select ')' || $x$ ), second as ( $x$ || E'\\') ' /* ) */ as "a ) as (", 'from absent' as b
)`,
    absent: "absent as (select 1)",
  };
  const [first] = await answer(
    '-- uses: odd\n-- With (a comment), all of it.\nselect "a ) as (" from odd',
    fragments,
  );
  expect(first).toBe(")" + " ), second as ( " + "') ");
});

const refused: Record<string, { query: string; fragments?: Record<string, string>; message: RegExp }> = {
  "an unknown fragment": {
    query: "-- title: x\n-- uses: absent\nselect n from absent",
    message: /query\.sql, line 2: there is no fragment absent/,
  },
  "an unknown fragment of a fragment": {
    query: "-- uses: one\nselect n from one",
    fragments: {
      one: "-- title: x\n-- uses: absent\none as (select n from absent)",
    },
    message: /one\.sql, line 2: there is no fragment absent/,
  },
  "a path for a name": {
    query: "-- uses: ../one\nselect n from one",
    fragments: one,
    message: /query\.sql, line 1: \.\.\/one/,
  },
  "a circle": {
    query: "-- uses: a\nselect n from a",
    fragments: {
      a: "-- uses: b\na as (select n from b)",
      b: "-- uses: c\nb as (select n from c)",
      c: "-- title: x\n-- uses: a\nc as (select n from a)",
    },
    message: /c\.sql, line 2: a → b → c → a is a circle/,
  },
  "a circle of one": {
    query: "-- uses: a\nselect n from a",
    fragments: { a: "-- uses: a\na as (select n from a)" },
    message: /a\.sql, line 1: a → a is a circle/,
  },
  "two CTEs in a file": {
    query: "-- uses: one\nselect n from one",
    fragments: { one: "one as (select 1 as n),\ntwo as (select 2)" },
    message: /one\.sql, line 2: two is a second CTE/,
  },
  "a comma at the end": {
    query: "-- uses: one\nselect n from one",
    fragments: { one: "-- What it is.\none as (\n  select 1 as n\n),\n" },
    message: /one\.sql, line 4: something follows the CTE/,
  },
  "a query instead of a CTE": {
    query: "-- uses: one\nselect n from one",
    fragments: { one: "-- What it is.\n\nselect 1 as n" },
    message: /one\.sql, line 3: this is not a CTE/,
  },
  "a CTE that does not end": {
    query: "-- uses: one\nselect n from one",
    fragments: { one: "one as (select (1 as n)" },
    message: /one\.sql, line 1: this is not a CTE/,
  },
  "an empty file": {
    query: "-- uses: one\nselect n from one",
    fragments: { one: "-- one\n" },
    message: /one\.sql, line \d: this is not a CTE/,
  },
  "a CTE of another name": {
    query: "-- uses: one\nselect n from one",
    fragments: { one: "-- What it is.\nuno as (select 1 as n)" },
    message: /one\.sql, line 2: the CTE is called uno/,
  },
  "a name that nothing reads": {
    query: "-- title: x\n-- uses: one\n-- one\nselect 'from one' as n",
    fragments: one,
    message: /query\.sql, line 2: one is not read here/,
  },
  "a name that a fragment does not read": {
    query: "-- uses: two\nselect n from two",
    fragments: { ...one, two: "-- uses: one\ntwo as (select 2 as n)" },
    message: /two\.sql, line 1: one is not read here/,
  },
  "a fragment that the header leaves out": {
    query: "-- title: x\nselect a.n\n  from one a",
    fragments: one,
    message: /query\.sql, line 3: reads one without saying so/,
  },
  "a fragment that another's header leaves out": {
    query: "-- uses: two\nselect n from two",
    fragments: { ...one, two: "two as (\n  select n from (select 2 as n) as x cross join one\n)" },
    message: /two\.sql, line 2: reads one without saying so/,
  },
  "a CTE under the name of a fragment": {
    query: "-- uses: two\nwith other as (select 1),\none as (select 1 as n)\nselect n from two",
    fragments: { ...one, two: "-- uses: one\ntwo as (select n from one)" },
    message: /query\.sql, line 3: one is a fragment too/,
  },
  "nothing that stands in": {
    query: "-- uses: two\n-- replaces: one\nselect n from two, one",
    fragments: { ...one, two: "-- uses: one\ntwo as (select n from one)" },
    message: /query\.sql, line 2: one is to be replaced, and this query has no such CTE/,
  },
  "a query that brings nothing along": {
    query: "-- uses: doubled\nselect n from doubled",
    fragments: { doubled: "-- given: numbers\ndoubled as (select 2 * n as n from numbers)" },
    message: /query\.sql, line 1: doubled reads numbers, and this query has no such CTE/,
  },
};

test.each(Object.entries(refused))("refused: %s", (_, { query, fragments, message }) => {
  const refusal = () => composed(query, fragments);
  expect(refusal).toThrow(HarnessError);
  expect(refusal).toThrow(message);
});

const files = readSqlFolder("harness/sql/fragments");

test.each(files)(
  "fragment $name is one CTE with a comment, and somebody needs it",
  ({ name, text, path }) => {
    expect(readFragment(name, path, "harness/sql/fragments").name).toBe(name);
    expect(text).toMatch(/^-- (?!uses:|given:)/m);
    const readers = globSync("harness/**/*.sql", { cwd: packageRoot }).map(readSqlFile);
    expect(readers.some(({ header }) => header.uses?.split(", ").includes(name))).toBe(true);
  },
);

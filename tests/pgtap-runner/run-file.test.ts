import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runFile } from "../../harness/pgtap/run-file.ts";
import { countAssertions, fileAsTap } from "../../harness/pgtap/tap-output.ts";
import { testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const { client } = await testDatabase();
const folder = temporaryFolder();

async function run(sql: string) {
  const file = join(folder, "sample.sql");
  writeFileSync(file, sql);
  return runFile(client, file);
}

test("an assertion knows its line, and a failed one its diagnostics", async () => {
  const result = await run(
    "begin;\nselect plan(3);\n\n-- a comment\nselect ok(true, 'fine');\n/* é */ select is(1 + 1,\n  3, 'sums');\nselect ok(true, 'still running');\nselect * from finish();\nrollback;\n",
  );
  expect(result.assertions.map(({ ok, line, description }) => ({ ok, line, description }))).toEqual([
    { ok: true, line: 5, description: "fine" },
    { ok: false, line: 6, description: "sums" },
    { ok: true, line: 8, description: "still running" },
  ]);
  expect(result.assertions[1]?.diagnostics.join("\n")).toMatch(/have: 2[\s\S]*want: 3/);
  expect(countAssertions([result])).toEqual({ passed: 2, failed: 1 });
  const tap = fileAsTap(result, 1);
  expect(tap).toMatch(/not ok 2 - sums\n {6}---\n {6}at: \S*sample\.sql:6\n/);
  expect(tap).toMatch(/^not ok 1 - /m);
});

test("a statement that raises fails the file at its line, and nothing after it counts as passed", async () => {
  const { assertions } = await run(
    "begin;\nselect plan(2);\nselect ok(true, 'first');\nselect 1 / 0;\nselect ok(true, 'never');\nrollback;",
  );
  expect(assertions[0]).toMatchObject({ ok: true, line: 3 });
  expect(assertions[1]).toMatchObject({
    ok: false,
    line: 4,
    description: expect.stringContaining("division by zero (22012)"),
  });
  expect(assertions.filter(({ ok }) => ok)).toHaveLength(1);
});

test.each([
  ["fewer assertions than planned", "select plan(2); select ok(true);"],
  [
    "more assertions than planned",
    "select plan(1); select ok(true); select ok(true); select * from finish();",
  ],
  ["no plan", "select ok(true);"],
  ["no assertion at all", "select 1;"],
  ["a bail-out", "select plan(1); select 'Bail out! no';"],
  ["text that is not SQL", "select plan(1);\n\\set x 1\nselect ok(true);"],
])("%s is a failure", async (_, sql) => {
  expect(countAssertions([await run(sql)]).failed).toBeGreaterThan(0);
});

test("COMMIT is refused, and what came before it is rolled back", async () => {
  const { assertions } = await run(
    "begin;\nselect plan(1);\ncreate table public.kept (id int);\ncommit;\nselect ok(true);",
  );
  expect(assertions.at(-1)).toMatchObject({ ok: false, line: 4 });
  expect((await client.query("select to_regclass('public.kept') is null as gone")).rows).toEqual([
    { gone: true },
  ]);
});

test("SKIP and TODO keep their meaning", async () => {
  const { assertions } = await run(
    "select plan(2);\nselect skip('not here', 1);\nselect todo('later', 1); select ok(false, 'someday');\nselect * from finish();",
  );
  expect(assertions.map(({ ok, directive }) => ({ ok, directive }))).toEqual([
    { ok: true, directive: "SKIP not here" },
    { ok: true, directive: "TODO later" },
  ]);
});

test("savepoints work, and everything is rolled back in the end", async () => {
  const { assertions } = await run(
    "select plan(1);\ncreate table public.t (id int);\nsavepoint a;\ninsert into public.t values (1);\nrollback to savepoint a;\nselect is_empty('select * from public.t', 'empty');\nselect * from finish();",
  );
  expect(assertions).toMatchObject([{ ok: true, line: 6 }]);
  expect((await client.query("select to_regclass('public.t') is null as gone")).rows).toEqual([
    { gone: true },
  ]);
});

test("\\ir brings in another file, relative to this one, as in psql", async () => {
  writeFileSync(
    join(folder, "shared.sql"),
    "-- shared\ncreate function pg_temp.two() returns int language sql return 2;\n",
  );
  const { assertions } = await run(
    "begin;\nselect plan(1);\n\\ir shared.sql\n\nselect is(pg_temp.two(), 2, 'two');\nselect * from finish();\nrollback;",
  );
  expect(assertions).toMatchObject([{ ok: true, line: 5 }]);
  writeFileSync(join(folder, "shared.sql"), "select 1;\nselect 1 / 0;\n");
  expect((await run("select plan(1);\n\n\\ir shared.sql\n")).assertions[0]).toMatchObject({
    ok: false,
    line: 3,
  });
  expect((await run("select plan(1);\n\\ir nowhere.sql\n")).assertions[0]).toMatchObject({ ok: false });
});

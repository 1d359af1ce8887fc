import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { applyMigrations } from "../../harness/migrate/apply.ts";
import { commitMigration } from "../../harness/migrate/commit.ts";
import { migrationStatus } from "../../harness/migrate/ledger.ts";
import { inTransaction } from "../../harness/sql/transaction.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { testDatabase } from "../support/database.ts";

// A project of its own: the reference platform's migrations are nothing that a test may edit.
const root = mkdtempSync(join(tmpdir(), "harness-project-"));
const current = join(root, "current.sql");
const committed = (file: string) => join(root, "migrations", "committed", file);
const author = await testDatabase("empty");
const other = await testDatabase("empty");

beforeAll(() => {
  mkdirSync(join(root, "migrations", "committed"), { recursive: true });
  mkdirSync(join(root, "policies"));
  writeFileSync(join(root, ".gmrc"), '{ "migrationsFolder": "./migrations" }');
  writeFileSync(
    join(root, "policies", "greet.sql"),
    "create or replace function public.greet() returns text language sql return 'hello';\n",
  );
  writeFileSync(current, "--! include greet.sql\ncreate table public.a (id int);\n");
});
afterAll(() => rmSync(root, { recursive: true }));

const states = async (client = other.client) =>
  (await inTransaction(client, "read only", () => migrationStatus(client, root))).map(
    ({ file, state }) => `${file} ${state}`,
  );
const commit = (message: string) => commitMigration(author.client, { root, url: author.url, message });
const apply = () => applyMigrations(other.client, { root, url: other.url });

test("commit makes current.sql the next migration, include and all, on the branch too", async () => {
  expect(await commit("first table")).toBe("000001-first-table.sql");
  expect(readFileSync(committed("000001-first-table.sql"), "utf8")).toContain(
    "create or replace function public.greet()",
  );
  expect(readFileSync(current, "utf8")).not.toContain("create table");
  expect(
    (await author.client.query("select public.greet(), to_regclass('public.a')::text as a")).rows,
  ).toEqual([{ greet: "hello", a: "a" }]);
});

test("the links that graphile-migrate needs were made", () => {
  expect(lstatSync(join(root, "migrations", "current.sql")).isSymbolicLink()).toBe(true);
  expect(lstatSync(join(root, "migrations", "fixtures")).isSymbolicLink()).toBe(true);
});

test("a link that git turned into a text file is mended", async () => {
  rmSync(join(root, "migrations", "current.sql"));
  writeFileSync(join(root, "migrations", "current.sql"), "../current.sql");
  await apply();
  expect(lstatSync(join(root, "migrations", "current.sql")).isSymbolicLink()).toBe(true);
});

test("apply brings another branch up to date, once", async () => {
  expect(await states()).toEqual(["000001-first-table.sql applied"]);
  expect(await apply()).toEqual([]);
});

test("a commit that fails leaves current.sql as it was written, and no file and no database behind", async () => {
  const text = "--! Message: my message\n--! include greet.sql\ncreate table public.b (id int);\nselekt 1;\n";
  writeFileSync(current, text);
  await expect(commit("broken")).rejects.toMatchObject({
    code: "migration-failed",
    message: expect.stringMatching(/line \d+: syntax error at or near "selekt" \(42601\)/),
  });
  expect(readFileSync(current, "utf8")).toBe(text);
  expect(readdirSync(join(root, "migrations", "committed"))).toEqual(["000001-first-table.sql"]);
  expect(readdirSync(root).filter((file) => file.endsWith(".bak"))).toEqual([]);
  const { rows } = await author.client.query(
    "select datname from pg_database where datname like 'harness_shadow_%'",
  );
  expect(rows).toEqual([]);
});

test("a migration that fails on a branch names the file and the line, and changes nothing", async () => {
  await other.client.query("create table public.b (already int)");
  writeFileSync(current, "create table public.b (id int);\n");
  await commit("second table");
  expect(await states()).toEqual(["000001-first-table.sql applied", "000002-second-table.sql pending"]);
  await expect(apply()).rejects.toMatchObject({
    code: "migration-failed",
    message: expect.stringMatching(/000002.*already exists \(42P07\)/),
  });
  expect(await states()).toEqual(["000001-first-table.sql applied", "000002-second-table.sql pending"]);
  await other.client.query("drop table public.b");
  expect((await apply()).map(({ file }) => file)).toEqual(["000002-second-table.sql"]);
});

test("a file that was edited after it was applied is refused, though its header still says the old hash", async () => {
  const file = committed("000002-second-table.sql");
  const text = readFileSync(file, "utf8");
  chmodSync(file, 0o644);
  writeFileSync(file, `${text}select 'added later';\n`);
  expect(await states()).toContain("000002-second-table.sql changed");
  await expect(apply()).rejects.toMatchObject({ code: "migrations-diverged" });
  writeFileSync(file, text);
});

test("a file that is gone is refused", async () => {
  const file = committed("000002-second-table.sql");
  const text = readFileSync(file, "utf8");
  rmSync(file);
  expect(await states()).toContain("000002.sql missing");
  await expect(apply()).rejects.toMatchObject({ code: "migrations-diverged" });
  writeFileSync(file, text);
  expect(existsSync(file)).toBe(true);
});

test("while another run holds the lock, this is what is said", async () => {
  const database = await testDatabase("empty");
  const holder = await connect(database.url, { purpose: "test" });
  await holder.query("select pg_advisory_lock(4727445306447283)");
  const attempt = applyMigrations(database.client, { root, url: database.url });
  await expect(attempt).rejects.toMatchObject({ code: "migration-locked" });
  await holder.end();
});

test("status needs no more than reading", async () => {
  const database = await testDatabase("empty");
  const session = await connect(database.url, { purpose: "test" });
  expect(await states(session)).toEqual([
    "000001-first-table.sql pending",
    "000002-second-table.sql pending",
  ]);
  const { rows } = await session.query("select to_regnamespace('graphile_migrate') is null as untouched");
  await session.end();
  expect(rows).toEqual([{ untouched: true }]);
});

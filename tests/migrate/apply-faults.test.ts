import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { applyMigrations } from "../../harness/migrate/apply.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { projectWith } from "../support/project.ts";
import { until } from "../support/until.ts";

const slow = "create table public.a (i int); select pg_sleep(600);";

/** `harness apply` in a process of its own. */
function startApply(root: string, url: string) {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [join(packageRoot, "dist", "cli.js"), "apply"], {
    cwd: root,
    env: { PATH, HOME, DATABASE_URL: url, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  child.stderr.on("data", (chunk) => (said += chunk));
  const ended = once(child, "close").then(([status, signal]) => ({ status, signal, said }));
  return { child, ended, said: () => said };
}

/** The sessions of the child that runs the migrations. */
const sessions = async ({ client }: TestDatabase, where = "true") =>
  (
    await client.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and application_name like 'harness migrate %' and ${where}`,
    )
  ).rows.map(({ pid }) => pid);

const applied = async ({ client }: TestDatabase) =>
  (await client.query("select filename from graphile_migrate.migrations order by 1")).rows.map(
    ({ filename }) => filename,
  );

test.each(["SIGTERM", "SIGINT", "SIGKILL"] as const)(
  "%s ends the migration that is under way too, and nothing of it is left",
  async (signal) => {
    const database = await testDatabase("empty");
    const root = projectWith({
      "1-zero": "select 1;",
      "2-one": slow,
      "3-two": "create table public.b (i int);",
    });
    const { child, ended } = startApply(root, database.url);
    await until(async () => (await sessions(database, "wait_event = 'PgSleep'")).length > 0, "it sleeps");
    child.kill(signal);
    const { status, said } = await ended;
    await until(async () => (await sessions(database)).length === 0, "the server notices");
    expect(await applied(database)).toEqual(["000001.sql"]);
    expect((await database.client.query("select to_regclass('public.a') as a")).rows).toEqual([{ a: null }]);
    if (signal === "SIGKILL") return;
    expect(status).toBe(130);
    expect(said).toMatch(
      /interrupted: 1 of 3 migrations are applied; 000002-one.sql is not.*`harness apply` goes on/,
    );
  },
);

test("a session in the way is named, nobody queues behind for long, and then the migration is applied", async () => {
  const database = await testDatabase("empty");
  const { client, url } = database;
  await client.query("create table public.a (i int)");
  const root = projectWith({ "1-two": "alter table public.a add column j int;" });
  const reader = await connect(url, { purpose: "nightly report" });
  await reader.query("begin; select count(*) from public.a");
  const { ended, said } = startApply(root, url);
  await until(
    () => /000001-two\.sql.*held by session \d+ \(harness nightly report\).*trying again/.test(said()),
    "it says who",
  );
  // each reader comes through although the migration goes on trying: it would wait until its own limit otherwise
  const other = await connect(url, { purpose: "other" });
  await other.query("set statement_timeout = '5s'");
  for (let n = 0; n < 5; n++) await other.query("select count(*) from public.a");
  await reader.query("commit");
  expect(await ended).toMatchObject({ status: 0 });
  expect(await applied(database)).toEqual(["000001.sql"]);
  await reader.end();
  await other.end();
});

test("when patience ends, the migration is not blamed", async () => {
  const { client, url } = await testDatabase("empty");
  await client.query("create table public.a (i int)");
  const root = projectWith({ "1-two": "alter table public.a add column j int;" });
  const reader = await connect(url, { purpose: "nightly report" });
  await reader.query("begin; select count(*) from public.a");
  const attempt = applyMigrations(client, { root, url, patienceMs: 1, lockTimeoutMs: 300 });
  await expect(attempt).rejects.toMatchObject({
    code: "waited-for-lock",
    exitCode: 2,
    message: expect.stringContaining("nightly report"),
    hint: expect.not.stringContaining("correct it"),
  });
  await reader.end();
});

test.each([
  ["its session is ended", "select pg_terminate_backend($1)"],
  ["its statement is cancelled", "select pg_cancel_backend($1)"],
])("when %s, the migration is not blamed", async (_, sql) => {
  const database = await testDatabase("empty");
  const root = projectWith({ "1-one": slow });
  const { ended } = startApply(root, database.url);
  await until(async () => (await sessions(database, "wait_event = 'PgSleep'")).length > 0, "it sleeps");
  const [pid] = await sessions(database);
  await database.client.query(sql, [pid]);
  const { status, said } = await ended;
  expect(status).toBe(2);
  expect(said).toMatch(/000001-one\.sql.*\[(connection-lost|timed-out)\]/);
  expect(said).not.toContain("correct it");
});

test("when the child is killed, the migration is not blamed, and its session ends", async () => {
  const database = await testDatabase("empty");
  const root = projectWith({ "1-one": slow });
  const { child, ended } = startApply(root, database.url);
  await until(async () => (await sessions(database, "wait_event = 'PgSleep'")).length > 0, "it sleeps");
  const { execFileSync } = await import("node:child_process");
  process.kill(Number(execFileSync("pgrep", ["-P", String(child.pid)], { encoding: "utf8" })), "SIGKILL");
  const { status, said } = await ended;
  expect(status).toBe(2);
  expect(said).toMatch(/000001-one\.sql.*safe to repeat.*\[connection-lost\]/);
  expect(await sessions(database)).toEqual([]);
});

test("a migration that is wrong is still blamed", async () => {
  const { client, url } = await testDatabase("empty");
  const root = projectWith({
    "1-one": "create table public.a (i int);",
    "2-two": "create table public.a (i int);",
  });
  await expect(applyMigrations(client, { root, url })).rejects.toMatchObject({
    code: "migration-failed",
    message: expect.stringMatching(/000002-two\.sql.*already exists \(42P07\)/),
    hint: expect.stringContaining("correct it"),
  });
});

test("migrations with and without a transaction follow each other, and an index that is built beside a reader waits for it", async () => {
  const database = await testDatabase("empty");
  const { client, url } = database;
  await client.query("create table public.kept (i int)");
  const root = projectWith({
    "1-one": "create table public.a (i int);",
    "2-two": "--! no-transaction\ncreate index concurrently kept_i on public.kept (i);",
    "3-three": "--! no-transaction\ncreate index concurrently a_i on public.a (i);",
    "4-four": "create table public.d (i int);",
  });
  const writer = await connect(url, { purpose: "writer" });
  await writer.query("begin; insert into public.kept values (1)");
  const { ended } = startApply(root, url);
  await until(
    async () => (await sessions(database, "wait_event_type = 'Lock'")).length > 0,
    "the index waits",
  );
  await until(
    async () =>
      (await sessions(database, "wait_event_type = 'Lock' and now() - query_start > '700 ms'")).length > 0,
    "longer than a transaction's limit",
  );
  await writer.query("commit");
  expect(await ended).toMatchObject({ status: 0 });
  expect(await applied(database)).toEqual(["000001.sql", "000002.sql", "000003.sql", "000004.sql"]);
  const { rows } = await client.query(
    "select bool_and(indisvalid) as valid from pg_index where indexrelid in ('kept_i'::regclass, 'a_i'::regclass)",
  );
  expect(rows).toEqual([{ valid: true }]);
  await writer.end();
});

test("a folder without migrations is a mistake of the caller", async () => {
  const { url } = await testDatabase("empty");
  const { temporaryFolder } = await import("../support/temporary-folder.ts");
  const folder = temporaryFolder();
  for (const command of ["apply", "status"]) {
    const { status, stderr } = await harness([command], { cwd: folder, env: { DATABASE_URL: url } });
    expect(stderr).toMatch(/\[no-migrations\]$/m);
    expect(status).toBe(2);
  }
});

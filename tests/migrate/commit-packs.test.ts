import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { commitMigration } from "../../harness/migrate/commit.ts";
import { graphileMigrate } from "../../harness/migrate/graphile.ts";
import { migrationStatus } from "../../harness/migrate/ledger.ts";
import { onShadow } from "../../harness/migrate/shadow.ts";
import { inStaging } from "../../harness/migrate/staging.ts";
import { uncommitMigration } from "../../harness/migrate/uncommit.ts";
import { choosePacks, nextMigration, workingState } from "../../harness/migrate/working-state.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// A project with two packs; `greeting` has a version.
const root = temporaryFolder();
const { client, url } = await testDatabase("empty");
const committed = join(root, "migrations", "committed");
const files = () => readdirSync(committed).sort();
const read = (path: string) => readFileSync(join(root, path), "utf8");
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const commit = (message: string, ...packs: string[]) =>
  commitMigration(client, { root, url, message, packs: choosePacks(root, packs) });
const hello = (text: string) =>
  `create or replace function greeting.hello() returns text language sql return '${text}';\n`;
const asked = async (sql: string) => Object.values((await client.query(sql)).rows[0])[0];
const cli = (...args: string[]) => harness([...args, "--database-url", url], { cwd: root });

mkdirSync(committed, { recursive: true });
write(".gmrc", '{ "migrationsFolder": "./migrations" }');
write("harness.config.json", "{}");
write("current.sql", "-- nothing yet\n");
write("policies/greeting/install.sql", "\\ir schema.sql\n\\ir version.sql\n\\ir hello.sql\n");
write("policies/greeting/schema.sql", "create schema if not exists greeting;\n");
write(
  "policies/greeting/version.sql",
  "create or replace function greeting.version() returns text language sql return 'unversioned';\n",
);
write("policies/greeting/hello.sql", hello("hello"));
write("policies/tables/install.sql", "-- needs: greeting\n\\ir visits.sql\n");
write("policies/tables/visits.sql", "create table if not exists public.visits (id int);\n");

test("the first migration has all of a pack, in its order, and says where it comes from", async () => {
  expect(await commit("greeting", "greeting")).toBe("000001-greeting.sql");
  const text = read("migrations/committed/000001-greeting.sql");
  expect(text).toContain(
    "\n\n-- Source: policies/greeting/ (edit there, then harness commit --pack greeting)\n\n--! Included greeting/schema.sql\n",
  );
  expect(text.match(/^--! Included .*/gm)).toEqual([
    "--! Included greeting/schema.sql",
    "--! Included greeting/version.sql",
    "--! Included greeting/hello.sql",
  ]);
  expect(await asked("select greeting.version()")).toMatch(/^[0-9a-f]{16}$/);
});

test("what was committed is no change any more; `all` are the packs that changed", async () => {
  expect(workingState(root).changed.map(({ path }) => path)).toEqual(["tables/visits.sql"]);
  expect(await commit("tables", "all")).toBe("000002-tables.sql");
  expect(workingState(root).changed).toEqual([]);
  await expect(commit("again", "all")).rejects.toMatchObject({ code: "nothing-to-commit" });
});

test("an edit becomes a migration with the files that changed, and the version of their pack", async () => {
  const before = await asked("select greeting.version()");
  write("policies/greeting/hello.sql", hello("good morning"));
  await expect(commit("blank")).rejects.toMatchObject({
    code: "nothing-to-commit",
    hint: expect.stringContaining("greeting"),
  });
  await commit("morning", "greeting");
  expect(read("migrations/committed/000003-morning.sql").match(/^--! Included .*/gm)).toEqual([
    "--! Included greeting/version.sql",
    "--! Included greeting/hello.sql",
  ]);
  expect(await asked("select greeting.hello()")).toBe("good morning");
  expect(await asked("select greeting.version()")).not.toBe(before);
});

test("a migration that would not bring a database to what the pack says is refused, until current.sql does", async () => {
  write("policies/tables/visits.sql", "create table if not exists public.visits (id int, note text);\n");
  const refused = await cli("commit", "--pack", "tables", "-m", "notes");
  expect(refused).toMatchObject({ status: 2, stdout: "" });
  expect(refused.stderr).toMatch(/^\+ column public\.visits\.note\n\+ {3}text\n/);
  expect(refused.stderr).toContain("[pack-not-reached]");
  expect(files()).toHaveLength(3);

  write("current.sql", "alter table public.visits add column note text;\n");
  expect(await cli("commit", "--pack", "tables", "-m", "notes")).toMatchObject({
    status: 0,
    stdout: "Committed: migrations/committed/000004-notes.sql\n",
  });
  const text = read("migrations/committed/000004-notes.sql");
  expect(text.indexOf("add column note")).toBeLessThan(text.indexOf("-- Source: policies/tables/"));
  expect(read("current.sql")).not.toContain("note");
  expect((await cli("commit", "--pack", "other", "-m", "x")).stderr).toContain("[pack-unknown]");
});

test("current.sql may include a file itself, where it wants it", () => {
  write("policies/greeting/hello.sql", hello("good evening"));
  write("current.sql", "--! include greeting/hello.sql\nselect greeting.hello();\n");
  expect(nextMigration(root, ["greeting"]).match(/include .*/g)).toEqual([
    "include greeting/hello.sql",
    "include greeting/version.sql",
  ]);
  write("current.sql", "-- nothing\n");
});

test("uncommit gives back what its author wrote, and leaves what came from packs to them", async () => {
  write("current.sql", "alter table public.visits add column who text;\n");
  await commit("evening", "greeting");
  const lines = read("migrations/HASHES");
  const body = read("migrations/committed/000005-evening.sql");
  expect(await uncommitMigration(client, root, url)).toBe("000005-evening.sql");
  expect(files()).toHaveLength(4);
  expect(read("migrations/HASHES")).toBe(lines.split("\n").slice(0, 4).join("\n").concat("\n"));
  expect(read("current.sql")).toContain("add column who text;\n");
  expect(read("current.sql")).not.toMatch(/include|Source/);
  expect(workingState(root).changed.map(({ path }) => path)).toEqual([
    "greeting/version.sql",
    "greeting/hello.sql",
  ]);
  await expect(uncommitMigration(client, root, url)).rejects.toMatchObject({ code: "current-not-blank" });

  // The branch has it already: what is committed again is the same, byte for byte.
  await client.query("alter table public.visits drop column who");
  await commit("evening", "greeting");
  expect(read("migrations/committed/000005-evening.sql")).toBe(body);
});

test("an uncommit that fails leaves everything as it was", async () => {
  const state = async () => [
    files(),
    read("current.sql"),
    read("migrations/HASHES"),
    await migrationStatus(client, root),
  ];
  const before = await state();
  write(
    ".gmrc",
    '{ "migrationsFolder": "./migrations", "afterReset": [{ "_": "command", "command": "false", "shadow": true }] }',
  );
  await expect(uncommitMigration(client, root, url)).rejects.toMatchObject({ code: "migration-failed" });
  write(".gmrc", '{ "migrationsFolder": "./migrations" }');
  expect(await state()).toEqual(before);
});

test("a run that was killed after the branch had the migration is finished by the next one", async () => {
  write("current.sql", "create table public.once (id int);\n");
  await onShadow(client, url, (env) =>
    inStaging(root, nextMigration(root, []), (staging) =>
      graphileMigrate({ command: "commit", message: "once", root: staging, client, env }),
    ),
  );
  expect(files()).toHaveLength(5);
  expect(await commit("once")).toBe("000006-once.sql");
  const states = (await migrationStatus(client, root)).map(({ state }) => state);
  expect(states).toEqual(Array(6).fill("applied"));
});

test("whoever edits a committed migration can neither commit nor uncommit", async () => {
  const file = join(committed, "000002-tables.sql");
  chmodSync(file, 0o644);
  const text = readFileSync(file, "utf8");
  writeFileSync(file, `${text}select 1;\n`);
  write("current.sql", "select 1;\n");
  await expect(commit("more")).rejects.toMatchObject({ code: "migrations-edited" });
  await expect(uncommitMigration(client, root, url)).rejects.toMatchObject({ code: "migrations-edited" });
  writeFileSync(file, text);
  expect(existsSync(join(root, "migrations", "current.sql"))).toBe(true);
});

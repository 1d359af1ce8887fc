import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { temporaryState } from "../local/support/state.ts";
import { projectWith } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

function start(args: string[], cwd: string, env: Record<string, string>) {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [join(packageRoot, "dist", "cli.js"), ...args], {
    cwd,
    env: { PATH, HOME, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  child.stderr.on("data", (chunk) => (said += chunk));
  const ended = once(child, "close").then(([status]) => ({ status, said }));
  return { child, ended };
}

const oneLine = (text: RegExp) => new RegExp(`(^|\\n)harness: interrupted: ${text.source}[^\\n]*\\n$`);

describe("SIGINT and SIGTERM", async () => {
  const branch = await createThrowawayBranch({ flavor: "plain" });
  const admin: Client = await connect(branch.ownerUrl, { purpose: "watch" });
  afterAll(async () => {
    await admin.end();
    await branch.stop();
  });
  const databases = async () =>
    (
      await admin.query(
        "select datname from pg_database where datname ~ '^harness_(test|bench|draft)_' order by 1",
      )
    ).rows;
  const running = async (pattern: string) =>
    (
      await admin.query(
        "select from pg_stat_activity where state = 'active' and query ~ $1 and pid <> pg_backend_pid()",
        [pattern],
      )
    ).rows.length;

  // nothing that the files do ends by itself
  const project = projectWith({ "1-one": "create table public.t (i int);" });
  mkdirSync(join(project, "tests", "pgtap"), { recursive: true });
  for (const name of ["a", "b", "c", "d"]) {
    writeFileSync(
      join(project, "tests", "pgtap", `${name}.sql`),
      "begin; select plan(1); select pg_sleep(100); select pass('x'); select * from finish(); rollback;",
    );
  }

  test.each(["SIGINT", "SIGTERM"] as const)("test: %s drops the databases of the run", async (signal) => {
    const { child, ended } = start(["test", "--jobs", "3"], project, { DATABASE_URL: branch.ownerUrl });
    await until(async () => (await running("pg_sleep\\(100\\)")) === 3, "three files run");
    child.kill(signal);
    const { status, said } = await ended;
    expect(said).toMatch(oneLine(/0 of 4 files were run/));
    expect(status).toBe(130);
    expect(await databases()).toEqual([]);
  });

  test("test: while the databases are being made, too", async () => {
    for (let round = 0; round < 4; round++) {
      const { child, ended } = start(["test", "--jobs", "3"], project, { DATABASE_URL: branch.ownerUrl });
      await until(
        async () => (await running("^create database")) > 0 || (await databases()).length > 0,
        "one is made",
      );
      child.kill("SIGINT");
      expect((await ended).status).toBe(130);
      expect(await databases()).toEqual([]);
    }
  });

  test("bench: its databases are dropped", async () => {
    const { child, ended } = start(["bench", "rls", "--quick"], packageRoot, {
      DATABASE_URL: branch.ownerUrl,
    });
    await until(async () => (await databases()).length > 0, "a database is made");
    child.kill("SIGTERM");
    const { status, said } = await ended;
    expect(said).toMatch(oneLine(/a comparison that is not complete/));
    expect(status).toBe(130);
    expect(await databases()).toEqual([]);
  });

  test("verify: there is no verdict, and nothing was changed", async () => {
    await admin.query(
      `create table public.o (tenant_id uuid); alter table public.o enable row level security;
       create policy p on public.o using (tenant_id::text = current_setting('app.tenant', true))`,
    );
    const holder = await connect(branch.ownerUrl, { purpose: "holder" });
    await holder.query("begin; lock table public.o in access exclusive mode");
    const { child, ended } = start(["verify"], temporaryFolder(), { DATABASE_URL: branch.ownerUrl });
    await until(async () => {
      const waiting =
        "select from pg_stat_activity where application_name = 'harness verify' and wait_event_type = 'Lock'";
      return (await admin.query(waiting)).rows.length > 0;
    }, "it waits");
    child.kill("SIGINT");
    const { status, said } = await ended;
    await holder.end();
    expect(said).toMatch(oneLine(/there is no verdict/));
    expect(status).toBe(130);
  });

  test("setup: each step is done or not begun", async () => {
    const holder = await connect(branch.ownerUrl, { purpose: "another setup" });
    await holder.query("begin; select pg_advisory_xact_lock(4727445306447284)");
    const { child, ended } = start(["setup", "--yes"], temporaryFolder(), { DATABASE_URL: branch.ownerUrl });
    await until(async () => (await running("pg_advisory_xact_lock")) > 0, "it waits for the other one");
    child.kill("SIGTERM");
    const { status, said } = await ended;
    await holder.end();
    expect(said).toMatch(oneLine(/each step is done or not begun/));
    expect(status).toBe(130);
  });
});

test("branch create: nothing is left of a branch that was not made", async () => {
  const state = temporaryState();
  afterAll(() => state.remove());
  const branches = join(state.folder, "branches");
  const left = () => (existsSync(branches) ? readdirSync(branches) : []);
  const { child, ended } = start(["branch", "create", "mine"], packageRoot, { HARNESS_STATE: state.folder });
  await until(() => left().some((name) => name.startsWith(".draft-")), "it is being made");
  child.kill("SIGINT");
  const { status, said } = await ended;
  expect(said).toMatch(oneLine(/the branch mine was not made/));
  expect(status).toBe(130);
  expect(left()).toEqual([]);
});

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { afterAll, describe, expect, inject, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { checkSetup } from "../../harness/setup/setup.ts";
import { createDatabase, dropDatabase } from "../../harness/sql/databases.ts";
import { branchFolder } from "../../harness/targets/local/branch-folder.ts";
import { isPostmaster, readPostmaster } from "../../harness/targets/local/postmaster.ts";
import { startBranch } from "../../harness/targets/local/target.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { temporaryState } from "../local/support/state.ts";
import { Random, seedOf } from "../partitions/support/random.ts";
import { loadDemoData, type TestDatabase, testDatabase } from "../support/database.ts";
import { faultRow } from "../support/fault-table.ts";
import { projectWith } from "../support/project.ts";
import { until } from "../support/until.ts";

// Commands that are killed, cut off and raced at moments drawn at random. What has to hold afterwards is asked of the database.

interface Running {
  child: ChildProcess;
  ended: Promise<{ status: number | null; said: string }>;
}

function start(args: string[], cwd: string, env: Record<string, string>): Running {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [join(packageRoot, "dist", "cli.js"), ...args], {
    cwd,
    env: { PATH, HOME, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  child.stderr.on("data", (chunk) => (said += chunk));
  return { child, ended: once(child, "close").then(([status]) => ({ status, said })) };
}

/** Ends every session of harness in the database, and says how many there were. */
const endSessions = async (client: Client) =>
  (
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like 'harness %' and application_name <> 'harness test' and pid <> pg_backend_pid()`,
    )
  ).rows.length;

/** A database for one round, which goes with it: a server has only so many connections. */
async function inFreshDatabase<T>(work: (database: TestDatabase) => Promise<T>): Promise<T> {
  const admin = await connect(inject("serverUrl"), { purpose: "test", database: "postgres" });
  const name = `test_${randomUUID().slice(0, 8)}`;
  await createDatabase(admin, name);
  const url = urlOf(inject("serverUrl"), name);
  const client = await connect(url, { purpose: "test" });
  try {
    return await work({ url, name, client });
  } finally {
    await client.end();
    await dropDatabase(admin, name);
    await admin.end();
  }
}

/** Waits until a session with this application_name is there, and for a moment more. */
async function strike(client: Client, session: string, withinMs: number, random: Random): Promise<void> {
  const there =
    "select from pg_stat_activity where datname = current_database() and application_name like $1";
  await until(async () => (await client.query(there, [session])).rows.length > 0, `${session} is there`);
  await sleep(random.below(withinMs));
}

const quiet = (client: Client) =>
  until(
    async () =>
      (
        await client.query(
          "select from pg_stat_activity where datname = current_database() and application_name like 'harness migrate%'",
        )
      ).rows.length === 0,
    "no session of a killed run is left",
  );

describe.runIf(process.env.HARNESS_LONG)("faults", () => {
  const random = new Random(seedOf("faults of commands"));

  describe("apply", () => {
    const names = Array.from({ length: 12 }, (_, n) => `made_${n + 1}`);
    const root = projectWith(
      Object.fromEntries(
        names.map((name, n) => [
          `${n + 1}-${name.replace("_", "")}`,
          `create table public.${name} (i int); select pg_sleep(0.05);`,
        ]),
      ),
    );
    const env = ({ url }: TestDatabase) => ({ DATABASE_URL: url });

    /** The tables that there are, if the ledger says the same. */
    async function agreed({ client }: TestDatabase): Promise<number> {
      const tables = (await client.query("select relname from pg_class where relname ~ '^made_' order by 1"))
        .rows;
      const ledger = await client.query(
        "select to_regclass('graphile_migrate.migrations') is not null as there",
      );
      const rows = ledger.rows[0].there
        ? (
            await client.query(
              "select 'made_' || filename::text::char(6)::int as relname from graphile_migrate.migrations order by 1",
            )
          ).rows
        : [];
      expect(tables).toEqual(rows);
      return rows.length;
    }

    async function finish(database: TestDatabase) {
      await quiet(database.client);
      expect(await start(["apply"], root, env(database)).ended).toMatchObject({ status: 0 });
      expect(await agreed(database)).toBe(names.length);
    }

    test.each(["SIGKILL", "SIGTERM"] as const)("%s", async (signal) => {
      let [times, halfway] = [0, 0];
      for (let round = 0; round < 8; round++) {
        await inFreshDatabase(async (database) => {
          for (let attempt = 0; attempt < 4; attempt++) {
            const { child, ended } = start(["apply"], root, env(database));
            await Promise.race([strike(database.client, "harness migrate%", 500, random), ended]);
            child.kill(signal);
            const { status, said } = await ended;
            await quiet(database.client);
            const done = await agreed(database);
            if (status === 0) break;
            times++;
            if (done > 0 && done < names.length) halfway++;
            expect(said).not.toMatch(/correct it/);
          }
          await finish(database);
        });
      }
      expect(times).toBeGreaterThan(0);
      faultRow(
        "apply",
        `${signal} at a random moment`,
        times,
        `ledger and tables agree ${times} of ${times} (${halfway} halfway); the next run finishes`,
      );
    });

    test("its sessions are ended", async () => {
      let [times, told] = [0, 0];
      for (let round = 0; round < 15; round++) {
        await inFreshDatabase(async (database) => {
          const { ended } = start(["apply"], root, env(database));
          await strike(database.client, "harness migrate%", 700, random);
          const hit = await endSessions(database.client);
          const { status, said } = await ended;
          expect([0, 2], said).toContain(status);
          expect(said).not.toMatch(/correct it/);
          if (hit > 0) times++;
          if (status === 2) {
            expect(said).toMatch(/\[connection-lost\]/);
            told++;
          }
          await quiet(database.client);
          await agreed(database);
          await finish(database);
        });
      }
      expect(told).toBeGreaterThan(0);
      faultRow(
        "apply",
        "pg_terminate_backend on its sessions",
        times,
        `exit 2 connection-lost ${told} times, 0 otherwise; ledger and tables agree; the next run finishes`,
      );
    });

    test("five at once", async () => {
      const rounds = 6;
      for (let round = 0; round < rounds; round++) {
        await inFreshDatabase(async (database) => {
          const all = await Promise.all(
            Array.from({ length: 5 }, () => start(["apply"], root, env(database)).ended),
          );
          for (const { status, said } of all) {
            expect([0, 2], said).toContain(status);
            if (status === 2) expect(said).toMatch(/\[migration-locked\]/);
          }
          expect(all.some(({ status }) => status === 0)).toBe(true);
          expect(await agreed(database)).toBe(names.length);
        });
      }
      faultRow(
        "apply",
        "5 at once",
        rounds,
        "each migration applied once; the others: up to date, or migration-locked",
      );
    });
  });

  describe("setup", () => {
    test.each(["SIGKILL", "sessions"] as const)("%s", async (fault) => {
      let times = 0;
      for (let round = 0; round < 15; round++) {
        await inFreshDatabase(async ({ client, url }) => {
          const { child, ended } = start(["setup"], packageRoot, { DATABASE_URL: url });
          await strike(client, "harness setup", 60, random);
          if (fault === "SIGKILL") times += Number(child.kill("SIGKILL"));
          else times += Math.min(1, await endSessions(client));
          const { status, said } = await ended;
          if (fault === "sessions") expect([0, 2], said).toContain(status);
          expect(await start(["setup"], packageRoot, { DATABASE_URL: url }).ended).toMatchObject({
            status: 0,
          });
          expect((await checkSetup(client)).flatMap(({ missing }) => missing)).toEqual([]);
        });
      }
      expect(times).toBeGreaterThan(0);
      faultRow(
        "setup",
        fault === "SIGKILL" ? "kill -9 at a random moment" : "pg_terminate_backend on its session",
        times,
        fault === "SIGKILL"
          ? "the next run supplies the rest"
          : "exit 2 or 0, never 70; the next run supplies the rest",
      );
    });
  });

  describe("verify", async () => {
    const database = await testDatabase();
    await loadDemoData(database.client);
    const tables = (
      await database.client.query(
        "select c.oid::regclass::text as name from pg_class c where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'pii'::regnamespace, 'outbox'::regnamespace) order by 1",
      )
    ).rows.map(({ name }) => name as string);
    const content = async () => {
      const sums = tables.map(
        (name) =>
          `select '${name.replaceAll("'", "''")}' as name, md5(coalesce(string_agg(t::text, '' order by t::text), '')) as sum from ${name} t`,
      );
      return (await database.client.query(sums.join(" union all "))).rows;
    };

    test.each(["SIGKILL", "sessions"] as const)("%s", async (fault) => {
      const before = await content();
      let times = 0;
      for (let round = 0; round < 15; round++) {
        const { child, ended } = start(["verify"], packageRoot, { DATABASE_URL: database.url });
        await strike(database.client, "harness verify", 600, random);
        if (fault === "SIGKILL") times += Number(child.kill("SIGKILL"));
        else times += Math.min(1, await endSessions(database.client));
        const { status, said } = await ended;
        if (fault === "sessions") expect([0, 1, 2, 3], said).toContain(status);
      }
      await until(
        async () =>
          (
            await database.client.query(
              "select from pg_stat_activity where application_name = 'harness verify'",
            )
          ).rows.length === 0,
        "no session is left",
      );
      expect(await content()).toEqual(before);
      expect(times).toBeGreaterThan(0);
      faultRow(
        "verify",
        fault === "SIGKILL" ? "kill -9 at a random moment" : "pg_terminate_backend on its sessions",
        times,
        fault === "SIGKILL"
          ? "no row of any table changed, no session left"
          : "no row of any table changed, no session left; never 70",
      );
    });
  });

  describe("branches", () => {
    const state = temporaryState();
    afterAll(() => state.remove());
    const env = { HARNESS_STATE: state.folder };
    const branch = (...args: string[]) => start(["branch", ...args], packageRoot, env);

    test("kill -9 while one is made, started, stopped, deleted", async () => {
      let times = 0;
      for (let round = 0; round < 8; round++) {
        const name = `b${round}`;
        for (const verb of ["create", "start", "stop", "delete"]) {
          const { child, ended } = branch(verb, name);
          await sleep(100 + random.below(500));
          if (child.kill("SIGKILL")) times++;
          await ended;
          // what was cut off is finished by running it again, or was done already
          const { status, said } = await branch(verb, name).ended;
          if (status !== 0)
            expect(said).toMatch(verb === "delete" ? /\[unknown-branch\]/ : /\[branch-exists\]/);
        }
        expect((await branch("start", name).ended).said).toMatch(/\[unknown-branch\]/);
      }
      faultRow(
        "branch create, start, stop, delete",
        "kill -9 at a random moment",
        times,
        "the same command again finishes it; never 70",
      );
    });

    test("the server is killed under an apply", async () => {
      await branch("create", "crash").ended;
      const root = projectWith({
        "1-one": "create table public.one (i int);",
        "2-two": "select pg_sleep(30);",
      });
      const data = join(branchFolder(state.folder, "crash"), "data");
      const rounds = 6;
      for (let round = 0; round < rounds; round++) {
        const { url } = await startBranch("crash");
        const { ended } = start(["apply", "--branch", "local:crash"], root, env);
        const watcher = await connect(url, { purpose: "watch" });
        await until(
          async () =>
            (await watcher.query("select from pg_stat_activity where wait_event = 'PgSleep'")).rows.length >
            0,
          "the second migration runs",
        );
        const postmaster = readPostmaster(data);
        process.kill(postmaster?.pid ?? 0, "SIGKILL");
        const { status, said } = await ended;
        await watcher.end();
        await until(() => !isPostmaster(postmaster?.pid ?? 0, data), "the server is gone");
        expect(status, said).toBe(2);
        expect(said).toMatch(/000002-two\.sql.*\[connection-lost\]/);
        const again = await connect((await startBranch("crash")).url, { purpose: "look" });
        const { rows } = await again.query("select filename from graphile_migrate.migrations");
        expect(rows).toEqual([{ filename: "000001.sql" }]);
        await again.end();
      }
      faultRow(
        "apply on a local branch",
        "the server is killed and started again",
        rounds,
        "exit 2 connection-lost; what was committed is there, the rest is not",
      );
    });
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { BenchReport } from "../../harness/bench/report.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const { url, client, name } = await testDatabase("migrated");

const scratches = async () => {
  const { rows } = await client.query<{ datname: string }>(
    "select datname from pg_database where datname ~ '^harness_bench_' order by 1",
  );
  return rows.map(({ datname }) => datname);
};
const bench = (...args: string[]) => harness(["bench", "--quick", "--database-url", url, ...args]);
const report = (stdout: string) => JSON.parse(stdout) as BenchReport;

describe("a quick run of everything", () => {
  const scenarios = readdirSync(join(packageRoot, "harness/bench/scenarios"))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.slice(0, -3));
  let json: BenchReport;
  let before: unknown;
  const content = () =>
    client.query(
      "select relname, relnatts, relhasindex from pg_class where relnamespace = 'public'::regnamespace order by 1",
    );

  beforeAll(async () => {
    before = (await content()).rows;
    const { status, stdout, stderr } = await bench("--json", "--rounds", "1", ...scenarios, "verify/growth");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    json = report(stdout);
  }, 300_000);

  test("measures every comparison of every scenario", () => {
    expect(json.comparisons.map(({ scenario, comparison }) => `${scenario}/${comparison}`)).toEqual(
      expect.arrayContaining([
        "rls/count",
        "rls/insert",
        "rls/transaction",
        "pii/insert",
        "pii/pgp",
        "pii/backfill",
        "pii/look-up",
        "start-up/help",
        "verify/reference",
        "verify/1000-tables",
        "verify/growth",
      ]),
    );
    for (const { baseline, candidate, ratio, rounds } of json.comparisons) {
      expect([baseline.samples.length, candidate.samples.length]).toEqual([rounds, rounds]);
      expect(Math.min(...baseline.samples, ...candidate.samples)).toBeGreaterThan(0);
      expect(ratio.median).toBeGreaterThan(0);
    }
  });

  test("says on what", () => {
    expect(json).toMatchObject({ schemaVersion: 1, quick: true, exitCode: 0 });
    expect(json.machine.cores).toBeGreaterThan(0);
    expect(json.server?.version).toMatch(/^PostgreSQL \d+/);
    expect(json.server?.settings).toMatchObject({
      shared_buffers: expect.any(String),
      jit: expect.any(String),
    });
    expect(JSON.stringify(json)).not.toContain(new URL(url).password);
  });

  test("leaves the branch's database as it was, and no other behind", async () => {
    expect((await content()).rows).toEqual(before);
    expect(await scratches()).toEqual([]);
  });
});

// of a scenario that needs no data: what is compared does not matter here
describe("thresholds", () => {
  test("missed: exit code 4, and which", async () => {
    const { status, stdout } = await bench(
      "start-up/help",
      "--max",
      "start-up<=0.0001",
      "--max",
      "start-up/help<=1000s",
    );
    expect(status).toBe(4);
    expect(stdout).toMatch(/✗ start-up<=0\.0001: missed, start-up\/help has/);
    expect(stdout).toMatch(/✓ start-up\/help<=1000s/);
    expect(stdout).toContain("these figures mean nothing");
  });

  test("in JSON", async () => {
    const { status, stdout } = await bench(
      "start-up/help",
      "--json",
      "--rounds",
      "2",
      "--max",
      "start-up/help<=0.0001",
    );
    expect(status).toBe(4);
    expect(report(stdout)).toMatchObject({
      exitCode: 4,
      comparisons: [{ rounds: 2 }],
      thresholds: [{ threshold: "start-up/help<=0.0001", comparison: "start-up/help", met: false }],
    });
  });
});

test.each([
  [["bench", "nope"], "unknown-scenario"],
  [["bench", "--max", "rls"], "bad-option"],
  [["bench", "--rounds", "1.5"], "bad-option"],
  [["bench", "rls", "--database-url", "postgres://nobody@127.0.0.1:1/x"], "connection-refused"],
])("%j: one line, exit code 2", async (args, code) => {
  const { status, stdout, stderr } = await harness(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(new RegExp(`^harness: .*\\[${code}\\]\\n$`));
});

const folder = temporaryFolder();

test("what needs no server asks for none", async () => {
  const { status, stdout } = await harness(
    ["bench", "start-up/version", "--quick", "--json", "--rounds", "1"],
    {
      env: { DATABASE_URL: "postgres://nobody@127.0.0.1:1/x" },
    },
  );
  expect(status).toBe(0);
  expect(report(stdout).server).toBeNull();
});

test("a protected database is not written to", async () => {
  const file = join(folder, "harness.config.json");
  writeFileSync(file, JSON.stringify({ protected: [name] }));
  const { status, stderr } = await bench("rls", "--config", file);
  expect(status).toBe(2);
  expect(stderr).toContain("[protected-branch]");
});

test("a role that may not create databases is told what to do", async () => {
  await client.query("create role bench_guest login nocreatedb password 'guest-of-the-bench'");
  const guest = Object.assign(new URL(url), { username: "bench_guest", password: "guest-of-the-bench" });
  const { status, stderr } = await harness(["bench", "rls", "--quick", "--database-url", guest.href]);
  await client.query("drop role bench_guest");
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /^harness: role "bench_guest" may not create databases .*CREATEDB.*\[may-not-create-database\]\n$/,
  );
});

describe("an end before the end", () => {
  /** Ends a run as soon as it has a database, or not before it measures. */
  async function interrupted(signal: NodeJS.Signals, measuring: boolean) {
    const cli = join(packageRoot, "dist", "cli.js");
    const child = spawn(process.execPath, [cli, "bench", "rls", "--database-url", url], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk) => (stderr += chunk));
    const scratch = await vi.waitFor(
      async () => {
        const { rows } = await client.query(
          "select datname from pg_stat_activity where datname ~ '^harness_bench_' and query ~ $1",
          [measuring ? "from bench.bookings where" : ""],
        );
        expect(rows).not.toEqual([]);
        return rows[0].datname as string;
      },
      { timeout: 30_000, interval: 5 },
    );
    child.kill(signal);
    const [code] = await once(child, "close");
    return { code, stderr, scratch };
  }

  test.each([false, true])("by Ctrl-C leaves nothing behind, whether it measures: %s", async (measuring) => {
    expect(await interrupted("SIGINT", measuring)).toMatchObject({
      code: 130,
      stderr: expect.stringMatching(/^harness: interrupted: .*\n$/),
    });
    expect(await scratches()).toEqual([]);
  });

  test("by force leaves databases, which the next run drops", async () => {
    const { scratch } = await interrupted("SIGKILL", true);
    const left = await scratches();
    expect(left).toContain(scratch);
    await vi.waitFor(async () => {
      const { rowCount } = await client.query("select from pg_stat_activity where datname = any ($1)", [
        left,
      ]);
      expect(rowCount).toBe(0);
    }, 30_000);
    expect((await bench("rls/count", "--rounds", "1")).status).toBe(0);
    expect(await scratches()).toEqual([]);
  });
});

test("a database that somebody is connected to is no leftover", async () => {
  const taken = "harness_bench_0123456789ab";
  await client.query(`create database ${taken}`);
  const other = await connect(urlOf(url, taken), { purpose: "test" });
  expect((await bench("rls/count", "--rounds", "1")).status).toBe(0);
  expect(await scratches()).toEqual([taken]);
  await other.end();
  await client.query(`drop database ${taken} with (force)`);
});

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Client } from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { installPack } from "../../harness/partitions/pack.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { month, oldServer, partitionOf, suffix } from "./support/server.ts";

const old = await oldServer();
const usual = await testDatabase("empty");
const untouched = await testDatabase("empty");

/** From five months back to now, with ten rows each; the four oldest end a month ago or earlier. */
const months = [-5, -4, -3, -2, -1, 0];
async function create(client: Client, table: string, more = ""): Promise<void> {
  await client.query(
    `create table ${table} (id bigint, at date not null, tenant text default 'a'${more}) partition by range (at)`,
  );
  for (const n of months) await client.query(partitionOf(table, n));
  for (const n of months)
    await client.query(`insert into ${table} select g, $1 from generate_series(1, 10) as g`, [month(n)]);
  await client.query(`analyze ${table}`);
}

const child = (table: string, n: number) => `public.${table}_${suffix(n)}`;
const attached = async (client: Client, table: string) =>
  (
    await client.query(
      "select inhrelid::regclass::text as child from pg_inherits where inhparent = $1::regclass order by 1",
      [table],
    )
  ).rows.map((row) => row.child);
const exists = async (client: Client, name: string) =>
  (await client.query("select to_regclass($1) is not null as there", [name])).rows[0].there as boolean;
const left = async (client: Client) =>
  (
    await client.query(
      "select child_name, action from partitions.detached where settled_at is null order by 1",
    )
  ).rows;

describe("what goes", () => {
  const { client, url } = untouched;
  const prune = (...args: string[]) => harness(["partitions", "prune", ...args, "--database-url", url]);

  test("a dry run lists exactly that, with rows and bytes, installs nothing and changes nothing", async () => {
    await create(client, "listed");
    const { status, stdout } = await prune(
      "listed",
      "--older-than",
      "2 months",
      "--expired",
      "drop",
      "--dry-run",
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^${child("listed", -5)} +${month(-4)} 00:00 +10 +16\\.0 kB +drop$`, "m"),
    );
    expect(stdout).toContain("Dry run: 3 partitions, some 30 rows, 48.0 kB");
    const json = await prune(
      "listed",
      "--older-than",
      "2 months",
      "--expired",
      "drop",
      "--dry-run",
      "--json",
    );
    expect(JSON.parse(json.stdout).partitions.map((p: { child: string }) => p.child)).toEqual(
      [-5, -4, -3].map((n) => child("listed", n)),
    );
    expect((await client.query("select to_regnamespace('partitions') as schema")).rows).toEqual([
      { schema: null },
    ]);
    expect(await attached(client, "listed")).toHaveLength(6);
  });

  test("nothing that nobody asked for", async () => {
    const code = async (...args: string[]) => /\[([a-z-]+)\]\n$/.exec((await prune(...args)).stderr)?.[1];
    expect(await code("listed")).toBe("no-retention");
    expect(await code("listed", "--older-than", "2 months")).toBe("nothing-decided");
    expect(await code("--older-than", "2 months")).toBe("which-table");
    expect(await code("listed", "--older-than", "-2 months", "--expired", "drop")).toBe("bad-option");
    expect(await code("listed", "--older-than", "soon", "--expired", "drop")).toBe("bad-option");
    expect(await code("listed", "--older-than", "2 months", "--expired", "burn")).toBe("bad-option");
    expect(await code("nowhere", "--older-than", "2 months", "--expired", "drop")).toBe("unknown-table");
    expect((await client.query("select to_regnamespace('partitions') as schema")).rows).toEqual([
      { schema: null },
    ]);
    expect((await prune("listed", "--older-than", "2 months", "--expired", "keep")).stdout).toMatch(
      /Nothing has expired\n$/,
    );
    expect(await attached(client, "listed")).toHaveLength(6);
  });

  test("whole periods only, by their bounds, in the time zone of the table", async () => {
    await installPack(client);
    await client.query("create table zoned (at timestamptz not null) partition by range (at)");
    await client.query("select partitions.manage('zoned', 'month', 'Pacific/Apia')");
    await client.query(
      "select partitions.fill('zoned', p.starts_at, p.ends_at) from partitions.periods('month', 'Pacific/Apia', now() - interval '5 months', now()) as p",
    );
    // A child expires at the moment at which its end, on the clocks of Apia, is as long ago as rows are kept.
    const { rows } = await client.query(
      `select ends_at, now() at time zone 'Pacific/Apia' - ends_at at time zone 'Pacific/Apia' as age from partitions.children('zoned') order by ends_at limit 3`,
    );
    const expired = async (interval: string) =>
      (
        await client.query("select count(*)::int as n from partitions.expired('zoned', $1::interval)", [
          interval,
        ])
      ).rows[0].n;
    const age = await client.query(
      "select extract(epoch from now() at time zone 'Pacific/Apia' - $1::timestamptz at time zone 'Pacific/Apia')::bigint as seconds",
      [rows[2].ends_at],
    );
    expect(await expired(`${age.rows[0].seconds - 60} seconds`)).toBe(3);
    expect(await expired(`${Number(age.rows[0].seconds) + 60} seconds`)).toBe(2);
    // the plain query of the dry run agrees
    for (const [interval, n] of [
      [`${age.rows[0].seconds - 60} seconds`, 3],
      [`${Number(age.rows[0].seconds) + 60} seconds`, 2],
    ] as const) {
      const json = await prune("zoned", "--older-than", interval, "--expired", "drop", "--dry-run", "--json");
      expect(JSON.parse(json.stdout).partitions).toHaveLength(n);
    }
    await expect(client.query("select partitions.expired('zoned', '-1 day')")).rejects.toMatchObject({
      code: "22023",
    });
  });
});

describe.each([
  ["15", old],
  ["17", usual],
])("PostgreSQL %s", (_, { client, url }) => {
  const prune = (...args: string[]) => harness(["partitions", "prune", ...args, "--database-url", url]);

  test("detach, archive, drop, as is kept up for each table", async () => {
    for (const [table, expired] of [
      ["detaching", "detach"],
      ["archiving", "archive"],
      ["dropping", "drop"],
      ["keeping", "keep"],
    ]) {
      await create(client, table ?? "");
      await installPack(client);
      await client.query("select partitions.manage($1, 'month', retention => '2 months', expired => $2)", [
        table,
        expired,
      ]);
    }
    const { status, stdout, stderr } = await prune();
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout.split("\n").sort()).toEqual(
      [
        "",
        ...[-5, -4, -3].flatMap((n) => [
          `public.detaching: ${child("detaching", n)} detached`,
          `public.archiving: ${child("archiving", n)} archived`,
          `public.dropping: ${child("dropping", n)} dropped`,
        ]),
      ].sort(),
    );
    for (const table of ["detaching", "archiving", "dropping"])
      expect(await attached(client, table)).toHaveLength(3);
    expect(await attached(client, "keeping")).toHaveLength(6);
    expect(await exists(client, child("detaching", -5))).toBe(true);
    expect(await exists(client, `archive.archiving_${suffix(-5)}`)).toBe(true);
    expect(await exists(client, child("archiving", -5))).toBe(false);
    expect(await exists(client, child("dropping", -5))).toBe(false);
    expect(await left(client)).toEqual([]);
    expect((await prune()).stdout).toBe("Nothing has expired\n");
    await client.query("delete from partitions.managed");
  });

  test("what is archived stays as isolated as its table, and its name may be taken there", async () => {
    await create(client, "secret");
    await client.query(`
      alter table secret enable row level security, force row level security;
      create policy own on secret using (tenant = current_user);
      grant select on ${child("secret", -5)} to public;
      create schema if not exists attic; create table attic.secret_${suffix(-4)} (id int)`);
    const { stdout } = await prune(
      "secret",
      "--older-than",
      "3 months",
      "--expired",
      "archive",
      "--archive-schema",
      "attic",
    );
    expect(stdout).toContain(`${child("secret", -5)} archived`);
    const { rows } = await client.query(
      `select relrowsecurity and relforcerowsecurity as isolated, (select count(*)::int from pg_policy where polrelid = c.oid) as policies,
              exists (select from aclexplode(c.relacl) as g where g.grantee <> c.relowner) as open, c.relname ~ '_p[0-9]{4}_[0-9]{2}_[0-9t]+$' as renamed
         from pg_class as c where relnamespace = 'attic'::regnamespace and relkind = 'r' and relname <> $1 order by relname`,
      [`secret_${suffix(-4)}`],
    );
    expect(rows).toEqual([
      { isolated: true, policies: 1, open: false, renamed: false },
      { isolated: true, policies: 1, open: false, renamed: true },
    ]);
  });

  test("rows that others refer to keep their partition, and the others go", async () => {
    await client.query(
      "create table target (id bigint, at date not null, primary key (id, at)) partition by range (at)",
    );
    for (const n of months) await client.query(partitionOf("target", n));
    await client.query(`create table refers (id bigint, at date, foreign key (id, at) references target)`);
    await client.query("insert into target values (1, $1), (1, $2)", [month(-5), month(-4)]);
    await client.query("insert into refers values (1, $1)", [month(-4)]);
    const { status, stdout } = await prune("target", "--older-than", "2 months", "--expired", "drop");
    expect(status).toBe(1);
    expect(stdout).toMatch(
      new RegExp(
        `^public\\.target: ${child("target", -4)} failed, rows of other tables refer to rows in it`,
        "m",
      ),
    );
    expect(await attached(client, "target")).toEqual([-4, -2, -1, 0].map((n) => `target_${suffix(n)}`));
    expect(await left(client)).toEqual([]);
  });

  test("beside a DEFAULT partition only in one go, and only when asked to", async () => {
    await create(client, "defaulted");
    await client.query("create table defaulted_rest partition of defaulted default");
    const refused = await prune("defaulted", "--older-than", "2 months", "--expired", "drop");
    expect(refused.status).toBe(1);
    expect(refused.stdout).toMatch(
      /failed, public\.defaulted has a DEFAULT partition, public\.defaulted_rest/,
    );
    expect(await attached(client, "defaulted")).toHaveLength(7);
    const done = await prune(
      "defaulted",
      "--older-than",
      "2 months",
      "--expired",
      "drop",
      "--no-concurrently",
    );
    expect(done.status).toBe(0);
    expect(await attached(client, "defaulted")).toHaveLength(4);
  });

  test("something that depends on a partition keeps it from being dropped, and the next run drops it", async () => {
    await create(client, "seen");
    await client.query(`create view looks as select * from ${child("seen", -5)}`);
    const first = await prune("seen", "--older-than", "4 months", "--expired", "drop");
    expect(first.status).toBe(1);
    expect(first.stdout).toMatch(/failed, something depends on it/);
    expect(await left(client)).toEqual([{ child_name: child("seen", -5), action: "drop" }]);
    const status = await harness(["partitions", "status", "seen", "--database-url", url]);
    expect(status.status).toBe(1);
    expect(status.stdout.replace(/\s+/g, " ")).toContain(
      `${child("seen", -5)} is on its way out (drop): harness partitions prune finishes`,
    );
    await client.query("drop view looks");
    expect((await prune("seen", "--older-than", "4 months", "--expired", "drop")).stdout).toBe(
      `public.seen: ${child("seen", -5)} dropped\n`,
    );
  });
});

// Killed at each point at which a partition is neither here nor there. A lock of somebody else holds it there; then it is as if the power
// had gone: the process is killed, and its session ended.
describe.each([
  ["15", old],
  ["17", usual],
])("killed, on PostgreSQL %s", (_, { client, url }) => {
  const others: Client[] = [];
  const running: ChildProcess[] = [];
  const other = async () => {
    const one = await connect(url, { purpose: "other" });
    others.push(one);
    return one;
  };
  beforeEach(async () => {
    await client.query("drop table if exists doomed cascade");
    await client.query(`drop table if exists ${[-5, -4].map((n) => child("doomed", n)).join(", ")}`);
    await installPack(client);
    await create(client, "doomed");
    await client.query("delete from partitions.detached");
  });
  afterEach(async () => {
    for (const one of others.splice(0)) await one.end();
    for (const process of running.splice(0)) process.kill("SIGKILL");
  });

  const args = [
    "partitions",
    "prune",
    "doomed",
    "--older-than",
    "4 months",
    "--expired",
    "drop",
    "--database-url",
  ];
  const again = () => harness([...args, url]);
  const backend = `from pg_stat_activity where application_name = 'harness partitions prune' and datname = current_database()`;

  /** Starts a run and kills it once its session waits in a statement of this kind. */
  async function killWhileWaitingIn(statement: RegExp): Promise<void> {
    const process_ = spawn(
      process.execPath,
      [join(packageRoot, "dist", "cli.js"), ...args, url, "--lock-timeout", "60"],
      { stdio: "ignore" },
    );
    running.push(process_);
    const gone = new Promise((resolve) => process_.once("exit", resolve));
    const waits = async () =>
      (await client.query(`select query ${backend} and wait_event_type = 'Lock'`)).rows.some(({ query }) =>
        statement.test(query),
      );
    while (!(await waits())) if (process_.exitCode !== null) throw new Error("it ended by itself");
    process_.kill("SIGKILL");
    await gone;
    await client.query(`select pg_terminate_backend(pid) ${backend}`);
    while ((await client.query(`select ${backend}`)).rowCount);
  }

  test("before it is detached: it is decided anew", async () => {
    const blocker = await other();
    await blocker.query("begin; lock table doomed in share update exclusive mode");
    await killWhileWaitingIn(/detach partition .* concurrently/);
    expect(await left(client)).toEqual([{ child_name: child("doomed", -5), action: "drop" }]);
    expect(await attached(client, "doomed")).toHaveLength(6);
    await blocker.query("rollback");
    // Nobody wants it gone any more: it stays, whatever was written down.
    const { status, stdout } = await harness([
      "partitions",
      "prune",
      "doomed",
      "--older-than",
      "12 months",
      "--expired",
      "drop",
      "--database-url",
      url,
    ]);
    expect([status, stdout]).toEqual([0, "Nothing has expired\n"]);
    expect(await attached(client, "doomed")).toHaveLength(6);
    expect(await left(client)).toEqual([]);
    expect((await again()).stdout).toBe(`public.doomed: ${child("doomed", -5)} dropped\n`);
    expect(await left(client)).toEqual([]);
  });

  test("half detached: it is finalised, and dropped", async () => {
    const reader = await other();
    await reader.query("begin isolation level repeatable read; select * from doomed");
    await killWhileWaitingIn(/detach partition .* concurrently/);
    const { rows } = await client.query("select count(*)::int as n from pg_inherits where inhdetachpending");
    expect(rows).toEqual([{ n: 1 }]);
    const status = await harness(["partitions", "status", "doomed", "--json", "--database-url", url]);
    expect(JSON.parse(status.stdout).tables[0].problems).toContain("detach-pending");
    // Its rows are not lost to the reader, who began before.
    expect((await reader.query("select count(*)::int as n from doomed")).rows).toEqual([{ n: 60 }]);
    await reader.query("commit");
    expect((await again()).stdout).toBe(`public.doomed: ${child("doomed", -5)} dropped\n`);
    expect(await exists(client, child("doomed", -5))).toBe(false);
    expect(await attached(client, "doomed")).toHaveLength(5);
    expect(await left(client)).toEqual([]);
  });

  test("detached and not yet dropped: it is dropped, if that is still wanted", async () => {
    for (const wanted of ["drop", "detach"]) {
      const n = wanted === "drop" ? -5 : -4;
      if (wanted === "detach") args[4] = "3 months";
      const reader = await other();
      await reader.query("begin isolation level repeatable read; select * from doomed");
      const holder = await other();
      const killed = killWhileWaitingIn(/partitions\.settle/);
      while ((await left(client)).length === 0);
      await holder.query("begin; select * from partitions.detached for update");
      await reader.query("commit");
      await killed;
      await holder.query("rollback");
      expect(await attached(client, "doomed")).not.toContain(`doomed_${suffix(n)}`);
      expect(await exists(client, child("doomed", n))).toBe(true);
      expect(await left(client)).toEqual([{ child_name: child("doomed", n), action: "drop" }]);
      const next = await harness([
        "partitions",
        "prune",
        "doomed",
        "--older-than",
        "12 months",
        "--expired",
        wanted,
        "--database-url",
        url,
      ]);
      expect(next.stdout).toBe(
        `public.doomed: ${child("doomed", n)} ${wanted === "drop" ? "dropped" : "detached"}\n`,
      );
      expect(await exists(client, child("doomed", n))).toBe(wanted === "detach");
      expect(await left(client)).toEqual([]);
    }
    args[4] = "4 months";
  });

  test("half detached by somebody else: it is finalised, and nothing is dropped", async () => {
    const reader = await other();
    await reader.query("begin isolation level repeatable read; select * from doomed");
    const somebody = await other();
    await somebody.query("set lock_timeout = '50ms'");
    await expect(
      somebody.query(`alter table doomed detach partition ${child("doomed", -5)} concurrently`),
    ).rejects.toMatchObject({ code: "55P03" });
    await reader.query("commit");
    const { stdout } = await harness([
      "partitions",
      "prune",
      "doomed",
      "--older-than",
      "12 months",
      "--expired",
      "drop",
      "--database-url",
      url,
    ]);
    expect(stdout).toBe(`public.doomed: ${child("doomed", -5)} detached\n`);
    expect(await exists(client, child("doomed", -5))).toBe(true);
  });

  test("a reader that does not end is told of, and waited for no longer than asked", async () => {
    const reader = await other();
    await reader.query("begin isolation level repeatable read; select * from doomed");
    const { rows } = await reader.query("select pg_backend_pid() as pid");
    const { status, stdout } = await harness([...args, url, "--older-than", "2 months", "--wait", "0.5"]);
    expect(status).toBe(1);
    // of the three only the first was tried
    expect(stdout.match(/failed/g)).toHaveLength(1);
    expect(stdout).toMatch(
      new RegExp(
        `failed, busy for too long: locked by session ${rows[0].pid} \\(harness other\\) for \\d+ s; the next run goes on from here`,
      ),
    );
    await reader.query("commit");
    expect((await again()).status).toBe(0);
  });

  test("a number that now belongs to another table is no reason to drop it", async () => {
    await client.query("create table innocent (id int)");
    await client.query(
      "insert into partitions.detached (child, child_name, parent_name, starts_at, ends_at, action) values ('innocent', 'public.was_called_so', 'public.doomed', now(), now(), 'drop')",
    );
    const { stdout } = await harness([
      "partitions",
      "prune",
      "doomed",
      "--older-than",
      "12 months",
      "--expired",
      "drop",
      "--database-url",
      url,
    ]);
    expect(stdout).toBe("public.doomed: public.was_called_so was gone already\n");
    expect(await exists(client, "innocent")).toBe(true);
    await client.query("drop table innocent");
  });

  test("two at once: each partition goes once", async () => {
    const both = await Promise.all([again(), again()]);
    expect(both.map(({ status, stdout, stderr }) => [status, status === 0 ? "" : stdout + stderr])).toEqual([
      [0, ""],
      [0, ""],
    ]);
    expect(await attached(client, "doomed")).toHaveLength(5);
    expect(await exists(client, child("doomed", -5))).toBe(false);
    expect(await left(client)).toEqual([]);
  });
});

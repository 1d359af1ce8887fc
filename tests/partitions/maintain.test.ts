import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { addEvents, addTenants, job } from "../outbox/support/outbox.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { month, partitionOf, suffix } from "./support/server.ts";

// What cron runs, on the reference platform and on somebody else's database.
const { client, url } = await testDatabase();
const foreign = await testDatabase("empty");
const maintain = (database: string, ...args: string[]) =>
  harness(["partitions", "maintain", ...args, "--database-url", database]);

test("on the reference platform: partitions ahead, finished events archived, one line for each", async () => {
  const [tenant = ""] = await addTenants(client, 1);
  await addEvents(client, tenant, 5);
  await job(client, () =>
    client.query(
      "update public.capacity_outbox set status = 'done', finished_at = now() - interval '8 days' where payload ->> 'n' <> '1'",
    ),
  );
  // whether eight days ago was last month depends on the day of the test
  await client.query(
    "select partitions.fill('public.capacity_outbox_archive', p.starts_at, p.ends_at) from partitions.periods('month', 'UTC', now() - interval '8 days', now()) as p",
  );
  await client.query(`select partitions.manage('public.analytics_events', premake => 5)`);
  const { status, stdout, stderr } = await maintain(url);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/^public\.analytics_events: made \S+, \S+$/m);
  expect(stdout).toMatch(/^public\.capacity_outbox: archived 4 events$/m);
  const { rows } = await job(client, () =>
    client.query("select count(*)::int as n from public.capacity_outbox_archive"),
  );
  expect(rows).toEqual([{ n: 4 }]);
  expect((await maintain(url)).stdout).toBe("Nothing is missing\nNothing has expired\n");
});

test("events that cannot be archived are told, and the partitions are done nevertheless", async () => {
  await job(client, () =>
    client.query("update public.capacity_outbox set status = 'done', finished_at = '2001-01-01'"),
  );
  await client.query(`select partitions.manage('public.analytics_events', premake => 6)`);
  const { status, stdout } = await maintain(url);
  expect(status).toBe(1);
  expect(stdout).toMatch(/^public\.analytics_events: made /m);
  expect(stdout).toMatch(/^outbox: archiving failed, /m);
  await job(client, () => client.query("delete from public.capacity_outbox"));
});

test("on somebody else's: made ahead and dropped as was said, and 1 if something could not be", async () => {
  await foreign.client.query(
    `create table logs (at date not null) partition by range (at); ${[-3, -2, -1, 0].map((n) => partitionOf("logs", n)).join("\n")}`,
  );
  await harness([
    "partitions",
    "ensure",
    "logs",
    "--period",
    "month",
    "--premake",
    "1",
    "--retention",
    "1 month",
    "--expired",
    "drop",
    "--database-url",
    foreign.url,
  ]);
  await foreign.client.query("select partitions.manage('logs', premake => 2)");
  const { stdout, status } = await maintain(foreign.url, "--json");
  expect(status).toBe(0);
  const { ensured, pruned, archived, busy } = JSON.parse(stdout);
  expect(busy).toBe(false);
  expect(ensured.made.map((one: { partition: string }) => one.partition)).toEqual([
    `public.logs_${suffix(2)}`,
  ]);
  const gone = pruned.pruned.map((one: { partition: string }) => one.partition);
  // the month before last ends a month ago or earlier; on the last days of a month that is a matter of days
  expect(gone.slice(0, 1)).toEqual([`public.logs_${suffix(-3)}`]);
  expect(archived).toEqual({ queues: [], failed: null });
  expect(
    (
      await foreign.client.query(
        "select min(starts_at)::date::text >= $1 as kept from partitions.children('logs')",
        [month(-2)],
      )
    ).rows,
  ).toEqual([{ kept: true }]);

  await foreign.client.query("insert into partitions.managed (parent, period) values ('pg_class', 'day')");
  const broken = await maintain(foreign.url);
  expect(broken.status).toBe(1);
  expect(broken.stdout).toMatch(/^pg_catalog\.pg_class: failed, /m);
  await foreign.client.query("delete from partitions.managed where parent = 'pg_class'::regclass");
});

test("a second one leaves it to the first", async () => {
  const first = await connect(foreign.url, { purpose: "test" });
  await first.query("select pg_advisory_lock(1885434485)");
  await foreign.client.query("select partitions.manage('logs', premake => 3)");
  const { status, stdout } = await maintain(foreign.url);
  await first.end();
  expect([status, stdout]).toEqual([0, "Another maintenance run is active\n"]);
  expect((await maintain(foreign.url)).stdout).toContain(`made public.logs_${suffix(3)}`);
});

test("the script is the same, where Node runs TypeScript", () => {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const able = major > 22 || (major === 22 && minor >= 18);
  const { status, stdout } = spawnSync(
    process.execPath,
    ["scripts/partition-maintenance.ts", "--database-url", foreign.url],
    { encoding: "utf8" },
  );
  expect(able ? [status, stdout] : status === 0).toEqual(
    able ? [0, "Nothing is missing\nNothing has expired\n"] : false,
  );
});

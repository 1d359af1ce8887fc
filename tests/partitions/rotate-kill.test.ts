import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { installPack } from "../../harness/partitions/pack.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";
import { Random, seedOf } from "./support/random.ts";
import { month, partitionOf } from "./support/server.ts";

// Making and taking away partitions, killed and begun again, two runs at a time, beside a writer. In the end there is exactly what there has
// to be: no row too few, no partition too many, nothing that is half done. Here the runs are killed once, when a partition is half gone; in
// `npm run test:long` many times at random moments, until some have met one that was.
const { client, url } = await testDatabase("empty");
const long = process.env.HARNESS_LONG !== undefined;
const random = new Random(seedOf("rotation"));
const cli = join(packageRoot, "dist", "cli.js");
/** Where partitions were when nobody was at it. */
const seen = new Set<string>();

test("killed, and in the end everything is as if it had not been", async () => {
  await installPack(client);
  const past = [-12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 0];
  const actions = ["drop", "archive", "detach"];
  for (const action of actions) {
    await client.query(
      `create table by_${action} (id int, at date not null) partition by range (at); ${past.map((n) => partitionOf(`by_${action}`, n)).join("\n")}`,
    );
    for (const n of past)
      await client.query(`insert into by_${action} select g, $1 from generate_series(1, 10) as g`, [
        month(n),
      ]);
    await client.query(
      "select partitions.manage($1, 'month', premake => 12, retention => '3 months', expired => $2)",
      [`by_${action}`, action],
    );
  }
  const { rows: expected } = await client.query(
    "select count(*)::int as n from partitions.expired('by_drop')",
  );
  const gone: number = expected[0].n;
  expect(gone).toBeGreaterThan(7);

  let busy = true;
  let written = 0;
  const writer = (async () => {
    while (busy) {
      await client.query("insert into by_drop values (0, current_date)");
      written++;
      await sleep(2);
    }
  })();
  // DETACH waits for whoever has read the table: so there is time to die in.
  const reader = await connect(url, { purpose: "test reader" });
  const read = "begin isolation level repeatable read; select * from by_drop, by_archive, by_detach limit 1";
  const reading = (async () => {
    while (long && busy) {
      await reader.query(read);
      await sleep(40);
      await reader.query("commit");
    }
  })();
  if (!long) await reader.query(read);
  const observer = await connect(url, { purpose: "test observer" });
  const sessions =
    "from pg_stat_activity where application_name ~ '^harness partitions' and datname = current_database()";
  const unsettled = async () =>
    (await observer.query<{ state: string }>("select distinct state from partitions.unsettled()")).rows;
  let killed = 0;
  const goOn = (round: number) => (long ? round < 14 || seen.size === 0 : round === 0);
  for (let round = 0; goOn(round); round++) {
    const verbs = ["ensure", random.pick(["prune", "maintain"]), "prune"].slice(random.below(2));
    const runs = verbs.map((verb) =>
      spawn(process.execPath, [cli, "partitions", verb, "--database-url", url], { stdio: "ignore" }),
    );
    const ended = runs.map((run) => new Promise((resolve) => run.once("exit", resolve)));
    while (
      !(await observer.query(`select ${sessions}`)).rowCount &&
      runs.some(({ exitCode }) => exitCode === null)
    );
    if (long) await sleep(random.below(400));
    else await until(async () => (await unsettled()).length > 0, "a partition is half gone");
    for (const run of runs) if (run.exitCode === null && run.kill("SIGKILL")) killed++;
    await Promise.all(ended);
    // Or else the server would finish the statement that it is at.
    if (!long || random.chance(0.7)) await observer.query(`select pg_terminate_backend(pid) ${sessions}`);
    while ((await observer.query(`select ${sessions}`)).rowCount);
    for (const { state } of await unsettled()) seen.add(state);
  }
  if (!long) await reader.query("commit");
  const last = await harness(["partitions", "maintain", "--database-url", url]);
  busy = false;
  await Promise.all([writer, reading]);
  await reader.end();
  await observer.end();
  expect({ status: last.status, stderr: last.stderr }).toEqual({ status: 0, stderr: "" });
  expect(killed).toBeGreaterThan(0);
  // It was caught in the act.
  expect(seen.size).toBeGreaterThan(0);
  expect((await harness(["partitions", "maintain", "--database-url", url])).stdout).toBe(
    "Nothing is missing\nNothing has expired\n",
  );
  const status = await harness(["partitions", "status", "--database-url", url]);
  expect(status).toMatchObject({ status: 0, stdout: expect.stringContaining("by_drop") });

  const { rows } = await client.query(
    `select count(*)::int as tables,
            count(*) filter (where relispartition)::int as partitions,
            count(*) filter (where relnamespace::regnamespace::text = 'archive')::int as archived,
            count(*) filter (where not relispartition and relname ~ '^by_detach_')::int as detached
       from pg_class where relkind = 'r' and relname ~ '^by_'`,
  );
  const kept = past.length - gone + 12;
  expect(rows).toEqual([
    { tables: 3 * kept + 2 * gone, partitions: 3 * kept, archived: gone, detached: gone },
  ]);
  const count = async (table: string) =>
    (await client.query(`select count(*)::int as n from ${table}`)).rows[0].n as number;
  expect(await count("by_drop")).toBe(10 * (past.length - gone) + written);
  expect(await count("by_archive")).toBe(10 * (past.length - gone));
  const { rows: away } = await client.query(
    "select child::text as child from partitions.detached where settled_at is not null",
  );
  expect(away).toHaveLength(2 * gone);
  for (const { child } of away) expect(await count(child)).toBe(10);
});

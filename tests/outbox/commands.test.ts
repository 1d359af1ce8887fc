import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness, startHarness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { addEvents, addTenants, clear, job, statuses, until } from "./support/outbox.ts";

const { client, url } = await testDatabase();
const empty = await testDatabase("empty");
const folder = temporaryFolder();
const [a = "", b = ""] = await addTenants(client, 2);
const outbox = (...args: string[]) => harness(["outbox", ...args, "--database-url", url]);

beforeEach(async () => {
  await clear(client);
  await addEvents(client, a, 3);
  await addEvents(client, b, 1);
  await job(client, () =>
    client.query(
      `update public.capacity_outbox set status = 'dead', dead_reason = 'attempts', attempts = 10, finished_at = now()
        where restaurant_id = $1 and payload ->> 'n' <> '1'`,
      [a],
    ),
  );
  await job(client, () =>
    client.query(
      "update public.capacity_outbox set status = 'processing', locked_by = 'gone', locked_until = now() - interval '1 hour' where restaurant_id = $1",
      [b],
    ),
  );
});

test("status says what waits, what is dead, what is stuck, within 80 columns", async () => {
  const { status, stdout } = await outbox("status");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ {2}waiting {6}1, 1 of them due, of 1 tenants$/m);
  expect(stdout).toMatch(/^ {2}leased {7}1 to 1 workers, 1 past their end$/m);
  expect(stdout).toMatch(/^ {2}dead {9}2: attempts 2$/m);
  expect(stdout).toContain(`  ${a}  1    1        `);
  expect(stdout).toContain("public.outbox\n  oldest due   nothing is due");
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
});

test("status as JSON, with who holds back VACUUM", async () => {
  const holder = await connect(url, { purpose: "hold" });
  await holder.query("begin isolation level repeatable read");
  await holder.query("select count(*) from outbox.queues");
  const { stdout } = await outbox("status", "--queue", "capacity_outbox", "--json");
  await holder.end();
  const { schemaVersion, queues, xmin } = JSON.parse(stdout);
  expect(schemaVersion).toBe(1);
  expect(queues).toHaveLength(1);
  expect(queues[0]).toMatchObject({
    queue: "public.capacity_outbox",
    pending: 1,
    due: 1,
    expiredLeases: 1,
    dead: 2,
    deadReasons: { attempts: 2 },
    retries: [{ attempts: 0, events: 1 }],
    backlog: [{ tenant: a, events: 1, due: 1 }],
  });
  expect(queues[0].oldestDueSeconds).toBeGreaterThan(0);
  expect(xmin.oldest.holder).toMatch(/^session \d+/);
});

test("status finds an index that is not valid, reindex mends it", async () => {
  // A unique index that could not be built.
  await client.query("drop index public.capacity_outbox_dedupe_active_idx");
  await job(client, () =>
    client.query(
      "insert into public.capacity_outbox (restaurant_id, event_type, dedupe_key) select $1, 'e', 'x' from generate_series(1, 2)",
      [a],
    ),
  );
  const { rows } = await client.query(
    "select statement from outbox.index_statements('public.capacity_outbox') where name ~ 'dedupe'",
  );
  await expect(client.query(rows[0].statement)).rejects.toThrow(/could not create unique index/);
  const before = await outbox("status");
  expect(before.status).toBe(1);
  expect(before.stdout).toContain("capacity_outbox_dedupe_active_idx is invalid");

  const refused = await outbox("reindex");
  expect(refused.status).toBe(2);
  expect(refused.stderr).toMatch(/outbox\.bury_duplicates.*\[outbox-duplicates\]/);
  await job(client, () => client.query("select outbox.bury_duplicates('public.capacity_outbox')"));
  const { status, stdout } = await outbox("reindex", "--queue", "capacity_outbox");
  expect(stdout).toMatch(
    /dispatch_idx {2}rebuilt\n.*dedupe_active_idx {2}(built|mended)\n.*unsettled_idx {2}rebuilt\n/,
  );
  expect(status).toBe(0);
  expect((await outbox("status")).status).toBe(0);
});

test("reindex waits only so long for others, and leaves nothing invalid", async () => {
  const holder = await connect(url, { purpose: "hold" });
  await holder.query("begin");
  await holder.query("set local role app_background");
  await holder.query("lock table public.capacity_outbox in row exclusive mode");
  const { status, stderr } = await outbox("reindex", "--queue", "capacity_outbox", "--lock-timeout", "0.2");
  expect(stderr).toContain("[outbox-reindex-blocked]");
  expect(status).toBe(2);
  await holder.end();
  expect((await outbox("reindex", "--queue", "capacity_outbox")).status).toBe(0);
  const { rows } = await client.query("select indexrelid::regclass from pg_index where not indisvalid");
  expect(rows).toEqual([]);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s cancels a reindex, and says how to go on", async (signal) => {
  const holder = await connect(url, { purpose: "hold" });
  await holder.query("begin");
  await holder.query("set local role app_background");
  await holder.query("lock table public.capacity_outbox in row exclusive mode");
  const waiting = async () =>
    (
      await client.query(
        `select count(*)::int as sessions from pg_stat_activity
          where datname = current_database() and application_name = 'harness outbox reindex' and wait_event_type = 'Lock'`,
      )
    ).rows[0].sessions;
  const args = [
    "outbox",
    "reindex",
    "--queue",
    "capacity_outbox",
    "--lock-timeout",
    "600",
    "--database-url",
    url,
  ];
  const { child, finished } = startHarness(args);
  await until("it waits", waiting, (sessions) => sessions > 0);
  child.kill(signal);
  const { status, stderr } = await finished;
  expect(stderr).toMatch(/nothing built; .* The same command goes on/);
  expect(stderr).not.toContain("[bug]");
  expect(status).toBe(130);
  await until("the server has stopped too", waiting, (sessions) => sessions === 0);
  await holder.end();
  expect((await outbox("reindex", "--queue", "capacity_outbox")).status).toBe(0);
  const { rows } = await client.query("select indexrelid::regclass from pg_index where not indisvalid");
  expect(rows).toEqual([]);
});

test("Ctrl-C rolls back a replay, and says so", async () => {
  const holder = await connect(url, { purpose: "hold" });
  await holder.query("begin");
  // The same event waits, in a transaction that has not ended: whoever adds it again waits for that.
  await holder.query("set local role app_background");
  await holder.query("select tenancy.set_job('test')");
  await holder.query(
    "insert into public.capacity_outbox (restaurant_id, event_type, dedupe_key) select restaurant_id, event_type, dedupe_key from public.capacity_outbox where status = 'dead'",
  );
  const { child, finished } = startHarness(["outbox", "replay", "--dead", "--database-url", url]);
  await until(
    "it waits",
    async () =>
      (
        await client.query(
          `select count(*)::int as sessions from pg_stat_activity
            where datname = current_database() and application_name = 'harness outbox replay' and wait_event_type = 'Lock'`,
        )
      ).rows[0].sessions,
    (sessions) => sessions > 0,
  );
  child.kill("SIGINT");
  const { status, stderr } = await finished;
  await holder.query("rollback");
  await holder.end();
  expect(stderr).toMatch(/nothing has been replayed/);
  expect(status).toBe(130);
  expect(await statuses(client)).toEqual({ pending: 1, processing: 1, dead: 2 });
});

test("replay: a dry run changes nothing, a tenant, one, all", async () => {
  const dry = await outbox("replay", "--dead", "--dry-run");
  expect(dry.stdout).toBe(`  ${a}  2\nDry run: would replay 2\n`);
  expect(await statuses(client)).toEqual({ pending: 1, processing: 1, dead: 2 });
  const none = await outbox("replay", "--tenant", b);
  expect([none.status, none.stdout]).toEqual([1, "Nothing is dead there\n"]);
  const { rows } = await job(client, () =>
    client.query("select min(id)::text as id from public.capacity_outbox where status = 'dead'"),
  );
  const one = await outbox("replay", "--tenant", a, "--id", rows[0].id, "--json");
  expect(JSON.parse(one.stdout).events).toEqual([{ tenant: a, id: rows[0].id, outcome: "replayed" }]);
  expect((await outbox("replay", "--dead")).stdout).toBe(`  ${a}  1\nReplayed: 1\n`);
  expect(await statuses(client)).toEqual({ pending: 3, processing: 1 });
});

test("a protected branch wants to be named again", async () => {
  const config = join(folder, "harness.config.json");
  writeFileSync(config, JSON.stringify({ protected: ["test_*"] }));
  for (const args of [["replay", "--dead"], ["reindex"], ["dispatch", "--handler", import.meta.filename]]) {
    const { status, stderr } = await outbox(...args, "--config", config);
    expect(stderr, args[0]).toMatch(/\[(protected-branch|bad-handler)\]/);
    expect(status).toBe(2);
  }
  expect((await outbox("status", "--config", config)).status).toBe(0);
  expect((await outbox("replay", "--dead", "--dry-run", "--config", config)).status).toBe(0);
});

test("bad input is told in one line", async () => {
  const code = async (...args: string[]) => /\[([a-z-]+)\]\n$/.exec((await outbox(...args)).stderr)?.[1];
  expect(await code("replay")).toBe("nothing-chosen");
  expect(await code("replay", "--id", "x")).toBe("bad-option");
  expect(await code("replay", "--tenant", "x")).toBe("bad-option");
  expect(await code("replay", "--dead", "--queue", "bookings")).toBe("unknown-queue");
  expect(await code("status", "--top", "-1")).toBe("bad-option");
  expect(await code("reindex", "--lock-timeout", "0")).toBe("bad-option");
  expect(await code("dispatch", "--handler", "no-such-file.mjs")).toBe("bad-handler");
  expect(await code("dispatch", "--handler", "no-such-file.mjs", "--batch", "0")).toBe("bad-option");
  const { stderr } = await harness(["outbox", "status", "--database-url", empty.url]);
  expect(stderr).toMatch(/\[no-outbox\]\n$/);
});

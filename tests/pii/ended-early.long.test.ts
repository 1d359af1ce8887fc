import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { loadDemoData, testDatabase } from "../support/database.ts";
import { as, newKey } from "./support/pii.ts";
import { inMidBatch, start } from "./support/run.ts";

// Ctrl-C, SIGTERM and a lost connection: one line that says what was done, what is left and how to go on; and that is how it goes on.
const { client, url } = await testDatabase();
const key = newKey();
const env = { HARNESS_PII_KEY: key };
const tenant = "de300000-0000-4000-8000-000000000001";
const rows = 2_000;
const lostLine = /^harness: the connection to the server was lost: [^\n]+ \[connection-lost\]\n$/;

const status = async () =>
  (
    await as(client, { role: "app_background" }, () =>
      client.query(
        "select sum(unsealed)::int as unsealed, sum(stale)::int as stale from pii.status('public.customers')",
      ),
    )
  ).rows[0] as { unsealed: number; stale: number };
const command = (...args: string[]) => ["pii", ...args, "--database-url", url];
const slowly = ["--batch", "20", "--rate", "400", "--jobs", "1"];

beforeAll(() => loadDemoData(client, key));

/** Guests that nobody has sealed. */
beforeEach(async () => {
  await client.query("alter table public.customers disable trigger user");
  await as(client, { role: "app_background" }, async () => {
    await client.query("delete from public.customers where full_name = 'Early'");
    await client.query(
      "insert into public.customers (restaurant_id, full_name, email) select $1, 'Early', 'early' || n || '@guests.example' from generate_series(1, $2) as n",
      [tenant, rows],
    );
  });
  await client.query("alter table public.customers enable trigger user");
});

test.each(["SIGINT", "SIGTERM"] as const)("backfill, %s", async (signal) => {
  const running = start(command("backfill", ...slowly), env);
  await inMidBatch(client, running, async () => (await status()).unsealed < rows - 40);
  running.signal(signal);
  const { status: exit, stderr } = await running.end;
  expect(exit).toBe(130);
  const [, done, left] =
    /^\nInterrupted: ([\d,]+) rows of public\.customers are done and last; some ([\d,]+) are left there\. Run harness pii backfill again: it goes on from there\.\n$/.exec(
      stderr,
    ) ?? [];
  const number = (text = "") => Number(text.replaceAll(",", ""));
  expect(number(done) + number(left)).toBe(rows);
  // a batch may have been committed, and its answer not heard
  const after = await status();
  expect(rows - after.unsealed).toBeGreaterThanOrEqual(number(done));
  expect(rows - after.unsealed).toBeLessThanOrEqual(number(done) + 20);
  const again = await harness(command("backfill"), { env });
  expect({ status: again.status, left: (await status()).unsealed }).toEqual({ status: 0, left: 0 });
});

test.each([
  ["backfill", { HARNESS_PII_KEY: key }],
  ["rotate", { HARNESS_PII_KEY: key }],
])("%s, its connection lost", async (what, environment) => {
  if (what === "rotate") expect((await harness(command("backfill"), { env })).status).toBe(0);
  const running = start(command(what, ...slowly), environment);
  const pid = await inMidBatch(client, running);
  await client.query("select pg_terminate_backend($1)", [pid]);
  const { status: exit, stderr } = await running.end;
  expect(exit).toBe(2);
  expect(stderr).toMatch(lostLine);
  expect(stderr).toContain(
    what === "rotate" ? "run the same command again" : "Run harness pii backfill again",
  );
  if (what === "rotate") expect(stderr).toMatch(/3 tenants got a new data key; [\d,]+ rows of/);
  const again = await harness(command(what), { env: environment });
  expect({ status: again.status, stderr: again.stderr }).toEqual({ status: 0, stderr: "" });
  expect(await status()).toEqual({ unsealed: 0, stale: 0 });
});

test("backfill, the one of two connections that is lost", async () => {
  const running = start(command("backfill", "--batch", "20", "--rate", "400", "--jobs", "2"), env);
  await inMidBatch(client, running);
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'harness pii seal' and datname = current_database()",
  );
  const { status: exit, stderr } = await running.end;
  expect(exit).toBe(2);
  expect(stderr).toMatch(lostLine);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 130],
  ["lost", 2],
] as const)("erase, %s", async (end, expected) => {
  const { rows: guests } = await as(client, { role: "app_background" }, () =>
    client.query(
      "select id from public.customers where restaurant_id = $1 and full_name <> 'Early' limit 1",
      [tenant],
    ),
  );
  const { id } = guests[0];
  const erasures = async () =>
    (
      await as(client, { role: "app_background" }, () =>
        client.query("select count(*)::int as n from pii.erasures"),
      )
    ).rows[0].n;
  const before = await erasures();
  // somebody has the guest's row, so that the erasure waits in the middle
  const holder = await connect(url, { purpose: "test" });
  await holder.query("begin");
  await holder.query("set local role app_background");
  await holder.query("select tenancy.set_job('test')");
  await holder.query("select from public.customers where restaurant_id = $1 and id = $2 for update", [
    tenant,
    id,
  ]);
  const running = start(command("erase", "--customer", id, "--yes"), env);
  const waiting = async () =>
    (
      await client.query<{ pid: number }>(
        "select pid from pg_stat_activity where datname = current_database() and application_name = 'harness pii erase' and wait_event_type = 'Lock'",
      )
    ).rows[0];
  const { pid } = await vi.waitFor(
    async () => {
      const found = await waiting();
      if (!found) throw new Error("it does not wait yet");
      return found;
    },
    { timeout: 30_000, interval: 20 },
  );
  if (end === "lost") await client.query("select pg_terminate_backend($1)", [pid]);
  else running.signal(end);
  const { status: exit, stderr } = await running.end;
  await holder.query("rollback");
  await holder.end();
  expect(exit).toBe(expected);
  expect(stderr).toMatch(
    end === "lost"
      ? lostLine
      : /^\nInterrupted: an erasure is one transaction: either all of it lasts or nothing was erased\. Run the same command again/,
  );
  await vi.waitFor(async () => {
    const { rowCount } = await client.query(
      "select from pg_stat_activity where datname = current_database() and application_name = 'harness pii erase'",
    );
    if (rowCount) throw new Error("its connection is still there");
  }, 30_000);
  expect(await erasures()).toBe(before);
  expect((await harness(command("erase", "--customer", id, "--yes"), { env })).status).toBe(0);
  expect(await erasures()).toBe(before + 1);
});

import type { Client } from "pg";
import { afterAll, expect, test, vi } from "vitest";
import { migratedTemplate } from "../../harness/command-line/template.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { createDatabase } from "../../harness/sql/databases.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { Random, seedOf } from "../partitions/support/random.ts";
import { harness } from "../support/cli.ts";
import { faultRow } from "../support/fault-table.ts";
import { addRestaurant, as, newKey } from "./support/pii.ts";
import { inMidBatch, start } from "./support/run.ts";

// Back-fill and rotation that are killed, lose their connection or their server at a random moment, and are run again: at the end every
// value opens and is what was written. `npm run test:long` does it many times; HARNESS_SEED repeats the moments, as far as the machine allows.
const branch = await createThrowawayBranch({ flavor: "neon" });
const admin = await connect(branch.ownerUrl, { purpose: "test", database: "postgres" });
const name = "faults";
await createDatabase(admin, name, await migratedTemplate(admin, branch.ownerUrl, packageRoot));
const url = urlOf(branch.ownerUrl, name);
await admin.end();
let client: Client = await connect(url, { purpose: "test" });
afterAll(async () => {
  await client.end();
  await branch.stop();
});

/** So that a run lasts long enough for something to happen to it, also where looking takes a while. */
const slowly = ["--batch", "20", "--rate", "400"];
const long = process.env.HARNESS_LONG !== undefined;
const rounds = long ? 40 : 1;
const random = new Random(seedOf("pii faults"));
const tenants = ["aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"];
const rowsOfTenant = 400;
let key = newKey();

/** Connected, as soon as the server lets anybody in. */
async function reconnect(): Promise<void> {
  await client.end().catch(() => undefined);
  client = await vi.waitFor(() => connect(url, { purpose: "test" }), { timeout: 60_000, interval: 100 });
}

const sum = async (column: "unsealed" | "stale" | "sealed") =>
  Number(
    (
      await as(client, { role: "app_background" }, () =>
        client.query(`select sum(${column}) from pii.status('public.customers')`),
      )
    ).rows[0].sum,
  );

/** Guests that nobody has sealed; what their addresses are, by id. */
async function addGuests(): Promise<Map<string, string>> {
  await client.query("alter table public.customers disable trigger user");
  const rows = await as(client, { role: "app_background" }, async () => {
    await client.query("delete from public.customers");
    return (
      await client.query(
        `insert into public.customers (restaurant_id, full_name, email)
         select t, 'G', 'Guest' || n || '@guests.example' from unnest($1::uuid[]) as t, generate_series(1, $2) as n returning id, email`,
        [tenants, rowsOfTenant],
      )
    ).rows;
  });
  await client.query("alter table public.customers enable trigger user");
  return new Map(rows.map(({ id, email }) => [id, email]));
}

async function opened(theKey: string): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const tenant of tenants) {
    const { rows } = await as(client, { role: "pii_reader", tenant, key: theKey }, () =>
      client.query("select id, email from public.customers_private_view"),
    );
    for (const { id, email } of rows) all.set(id, email);
  }
  return all;
}
const sorted = (map: Map<string, string>) => [...map].sort();

type Fault = "kill -9" | "pg_terminate_backend" | "crash of the server";
// kill -9 once: kill.test.ts, beside writers
const faults: Fault[] = [
  ...(long ? (["kill -9"] as const) : []),
  "pg_terminate_backend",
  "crash of the server",
];

/** Lets a fault happen amid the run, once so many values are left; how the run ended. */
async function inject(
  fault: Fault,
  args: string[],
  env: Record<string, string>,
  left: () => Promise<number>,
) {
  const all = await left();
  const moment = all * (0.2 + 0.7 * random.next());
  const running = start(args, env);
  const begun = async () => (await left()) <= moment;
  const pid = await inMidBatch(client, running, begun);
  if (fault === "kill -9") await running.kill();
  else if (fault === "pg_terminate_backend") await client.query("select pg_terminate_backend($1)", [pid]);
  // the postmaster ends every session and recovers, as after a crash
  else process.kill(pid, "SIGKILL");
  const { status, stderr } = await running.end;
  await reconnect();
  if (fault !== "kill -9") {
    expect(stderr).toMatch(/^harness: the connection to the server was lost: [^\n]+ \[connection-lost\]\n$/);
    expect(status).toBe(2);
  }
  const finished = `select from pg_stat_activity where datname = current_database() and application_name like 'harness pii%'`;
  await vi.waitFor(async () => {
    if ((await client.query(finished)).rowCount) throw new Error("its connections are still there");
  }, 30_000);
}

test.each(faults)("backfill, %s", async (fault) => {
  for (const tenant of tenants) await addRestaurant(client, tenant).catch(() => undefined);
  for (let round = 0; round < rounds; round++) {
    const model = await addGuests();
    const args = ["pii", "backfill", "--database-url", url];
    const env = { HARNESS_PII_KEY: key };
    await inject(fault, [...args, ...slowly], env, () => sum("unsealed"));
    const { status, stderr } = await harness(args, { env });
    expect({ round, status, stderr }).toEqual({ round, status: 0, stderr: "" });
    expect(await sum("unsealed")).toBe(0);
    expect(sorted(await opened(key))).toEqual(sorted(model));
  }
  faultRow(
    "pii backfill",
    fault,
    rounds,
    "run again: nothing is left, every value opens and is what was written",
  );
});

test.each(faults)("rotate to another configured key, %s", async (fault) => {
  for (const tenant of tenants) await addRestaurant(client, tenant).catch(() => undefined);
  const model = await addGuests();
  expect(
    (await harness(["pii", "backfill", "--database-url", url], { env: { HARNESS_PII_KEY: key } })).status,
  ).toBe(0);
  for (let round = 0; round < rounds; round++) {
    const nextKey = newKey();
    const args = ["pii", "rotate", "--database-url", url];
    const env = { HARNESS_PII_KEY: key, HARNESS_PII_NEW_KEY: nextKey };
    // before it begins nothing is stale, so what is not under the new key yet is counted from the other side
    const rotating = async () => {
      const { rows } = await as(client, { role: "app_background" }, () =>
        client.query("select count(*)::int as n from pii.rotating()"),
      );
      return rows[0].n === 0 ? model.size : sum("stale");
    };
    await inject(fault, [...args, ...slowly], env, rotating);
    expect(sorted(await opened(key))).toEqual(sorted(model));
    const { status, stderr } = await harness(args, { env });
    expect({ round, status, stderr }).toEqual({ round, status: 0, stderr: "" });
    const finish = await harness(["pii", "rotate", "--finish", "--database-url", url], {
      env: { HARNESS_PII_KEY: nextKey },
    });
    expect({ round, status: finish.status, stderr: finish.stderr }).toEqual({ round, status: 0, stderr: "" });
    key = nextKey;
    expect(sorted(await opened(key))).toEqual(sorted(model));
  }
  faultRow(
    "pii rotate",
    fault,
    rounds,
    "both keys work meanwhile; run again and finished: every value opens under the new key",
  );
});

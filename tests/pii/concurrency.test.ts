import type { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { testDatabase } from "../support/database.ts";
import { addRestaurant, as, newKey, sealAll } from "./support/pii.ts";

const { client, url } = await testDatabase();
const key = newKey();
const others: Client[] = [];

beforeAll(async () => {
  for (let n = 0; n < 6; n++) others.push(await connect(url, { purpose: "test" }));
});
afterAll(async () => {
  for (const other of others) await other.end();
});

const add = (who: Client, tenant: string, name: string, theKey = key) =>
  as(who, { role: "authenticated", tenant, key: theKey }, () =>
    who.query("insert into public.customers (restaurant_id, full_name, email) values ($1, $2, $3)", [
      tenant,
      name,
      `${name}@guests.example`,
    ]),
  );

/** Names whose address does not open as it was given. */
async function damaged(tenant: string, theKey = key): Promise<string[]> {
  const { rows } = await as(client, { role: "pii_reader", tenant, key: theKey }, () =>
    client.query("select full_name, email from public.customers_private_view"),
  );
  return rows.filter((row) => row.email !== `${row.full_name}@guests.example`).map((row) => row.full_name);
}

const count = async (condition: string) =>
  Number(
    (
      await as(client, { role: "app_background" }, () =>
        client.query(`select count(*) from public.customers where ${condition}`),
      )
    ).rows[0].count,
  );

test("first writes of a tenant that come at once make one key", async () => {
  const tenant = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
  await addRestaurant(client, tenant);
  await Promise.all(others.map((other, n) => add(other, tenant, `first${n}`)));
  expect(await damaged(tenant)).toEqual([]);
  const { rows } = await as(client, { role: "app_background" }, () =>
    client.query("select count(*)::int as keys from pii.key_status() where restaurant_id = $1", [tenant]),
  );
  expect(rows).toEqual([{ keys: 1 }]);
});

test("of two configured keys that come at once for a new tenant, one wins and the other is told", async () => {
  const tenant = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
  await addRestaurant(client, tenant);
  const keys = others.map((_, n) => (n % 2 ? newKey() : key));
  const outcomes = await Promise.allSettled(others.map((other, n) => add(other, tenant, `k${n}`, keys[n])));
  const codes = outcomes.map((o) => (o.status === "rejected" ? o.reason.code : "stored"));
  expect(codes).toContain("stored");
  expect(new Set(codes).size).toBe(2);
  expect(codes).toContain("PI003");
  expect(await count(`restaurant_id = '${tenant}'`)).toBe(codes.filter((code) => code === "stored").length);
});

test("a backfill beside writers loses nothing and leaves nothing unsealed", async () => {
  const tenant = "cccccccc-cccc-4ccc-8ccc-cccccccccccc";
  await addRestaurant(client, tenant);
  await client.query("alter table public.customers disable trigger user");
  await as(client, { role: "app_background" }, () =>
    client.query(
      "insert into public.customers (restaurant_id, full_name, email) select $1, 'old' || n, 'old' || n || '@guests.example' from generate_series(1, 600) as n",
      [tenant],
    ),
  );
  await client.query("alter table public.customers enable trigger user");
  const [backfill, second, ...writers] = others as [Client, Client, ...Client[]];
  let running = true;
  let renamed = 0;
  const writing = writers.map(async (writer, w) => {
    for (let n = 0; running || n === 0; n++) {
      await add(writer, tenant, `new${w}-${n}`);
      await as(writer, { role: "app_background", key }, () =>
        writer.query(
          `update public.customers set full_name = full_name || 'x', email = full_name || 'x@guests.example'
           where restaurant_id = $1 and full_name = $2`,
          [tenant, `old${w * 100 + (n % 100) + 1}`],
        ),
      ).then(({ rowCount }) => (renamed += rowCount ?? 0));
    }
  });
  await Promise.all([sealAll(backfill, key, 20), sealAll(second, key, 20)]);
  running = false;
  await Promise.all(writing);
  await sealAll(client, key);
  expect(renamed).toBeGreaterThan(0);
  expect(await count(`restaurant_id = '${tenant}' and email_encrypted is null`)).toBe(0);
  expect(await count(`restaurant_id = '${tenant}' and full_name like 'old%'`)).toBe(600);
  expect(await damaged(tenant)).toEqual([]);
});

test("a rotation beside writers and readers: every address is found all the while, and opens afterwards", async () => {
  const tenant = "dddddddd-dddd-4ddd-8ddd-dddddddddddd";
  const nextKey = newKey();
  await addRestaurant(client, tenant);
  for (let n = 0; n < 60; n++) await add(client, tenant, `guest${n}`);
  const [rotation, reader, ...writers] = others as [Client, Client, ...Client[]];
  let running = true;
  let current = key;
  const missed: string[] = [];
  const reading = (async () => {
    for (let n = 0; running; n++) {
      const email = `guest${n % 60}@guests.example`;
      const found = await as(
        reader,
        { role: "authenticated", tenant, key: current },
        async () =>
          (await reader.query("select id from public.find_customers_by_email($1)", [email])).rowCount,
      );
      if (found !== 1) missed.push(email);
    }
  })();
  const writing = writers.map(async (writer, w) => {
    for (let n = 0; running || n === 0; n++) await add(writer, tenant, `during${w}-${n}`, current);
  });
  const job = (theKey: string, statement: string, next?: string) =>
    as(rotation, { role: "app_background", key: theKey, ...(next ? { nextKey: next } : {}) }, () =>
      rotation.query(statement, [tenant]),
    );
  await job(key, "select pii.begin_rotation($1)", nextKey);
  current = nextKey;
  await expect(job(nextKey, "select pii.finish_rotation($1)")).rejects.toMatchObject({ code: "PI021" });
  await sealTenantless();
  const { rows } = await job(nextKey, "select pii.finish_rotation($1) as finished");
  running = false;
  await Promise.all([reading, ...writing]);
  expect(rows).toEqual([{ finished: 1 }]);
  expect(missed).toEqual([]);
  expect(await damaged(tenant, nextKey)).toEqual([]);
  expect(await count(`restaurant_id = '${tenant}' and pii.kid_of(email_encrypted) <> 2`)).toBe(0);

  /** The other tenants of this file are under the old configured key, and have nothing to seal. */
  async function sealTenantless() {
    for (let left = true; left; ) {
      left = await as(rotation, { role: "app_background", key: nextKey }, async () => {
        const batch = await rotation.query("select changed from pii.seal_batch('public.customers', 10)");
        return batch.rows[0].changed > 0;
      });
    }
  }
});

test("a writer with an old snapshot does not write under a key that has been replaced", async () => {
  const tenant = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee";
  await addRestaurant(client, tenant);
  await add(client, tenant, "before");
  const [late, rotation] = others as [Client, Client];
  await late.query("begin isolation level repeatable read");
  await late.query(
    "select set_config('app.pii.key', $1, true), set_config('app.restaurant_id', $2, true), set_config('role', 'authenticated', true)",
    [key, tenant],
  );
  await late.query("select from public.customers_secure_view");
  await as(rotation, { role: "app_background", key }, () =>
    rotation.query("select pii.begin_rotation($1)", [tenant]),
  );
  await expect(
    late.query(
      "insert into public.customers (restaurant_id, full_name, email) values ($1, 'late', 'late@guests.example')",
      [tenant],
    ),
  ).rejects.toMatchObject({ code: "40001" });
  await late.query("rollback");
});

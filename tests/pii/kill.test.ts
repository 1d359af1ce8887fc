import type { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { addRestaurant, as, newKey } from "./support/pii.ts";
import { killInMidBatch, start } from "./support/run.ts";

// A backfill and a rotation that are killed in the middle of a batch, beside writers who insert, change and delete. What the
// writers were told has lasted is the model; at the end the table holds exactly that, and all of it is sealed.
const { client, url } = await testDatabase();
const key = newKey();
const nextKey = newKey();
const tenants = ["aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"];
const model = new Map<string, string>();
const writers: Client[] = [];

beforeAll(async () => {
  for (const tenant of tenants) await addRestaurant(client, tenant);
  // as they were before there was a trigger
  await client.query("alter table public.customers disable trigger user");
  const { rows } = await as(client, { role: "app_background" }, () =>
    client.query(
      `insert into public.customers (restaurant_id, full_name, email, phone)
       select t, 'Guest ' || n, 'Guest' || n || '@guests.example', '+39 010 ' || lpad(n::text, 7, '0')
         from unnest($1::uuid[]) as t, generate_series(1, 3000) as n
       returning id, email`,
      [tenants],
    ),
  );
  await client.query("alter table public.customers enable trigger user");
  for (const { id, email } of rows) model.set(id, email);
  for (let n = 0; n < 2; n++) writers.push(await connect(url, { purpose: "test writer" }));
});
afterAll(async () => {
  for (const writer of writers) await writer.end();
});

/** Inserts, changes and deletes as a tenant until it is told to stop; how many of each lasted. */
async function write(writer: Client, tenant: string, go: () => boolean) {
  const done = { inserted: 0, changed: 0, deleted: 0 };
  const here = (work: () => Promise<unknown>) => as(writer, { role: "authenticated", tenant, key }, work);
  const { rows } = await as(writer, { role: "app_background" }, () =>
    writer.query("select id from public.customers where restaurant_id = $1 order by random()", [tenant]),
  );
  for (let n = 0; go() || n < 3; n++) {
    const [changed, gone] = [rows[(2 * n) % rows.length].id, rows[(2 * n + 1) % rows.length].id];
    const email = `${tenant.slice(0, 4)}.${n}.${Math.random().toString(36).slice(2)}@new.example`;
    const added = (await here(() =>
      writer.query(
        "insert into public.customers (restaurant_id, full_name, email) values ($1, 'New', $2) returning id",
        [tenant, `I${email}`],
      ),
    )) as { rows: { id: string }[] };
    model.set(added.rows[0]?.id ?? "", `I${email}`);
    done.inserted++;
    const update = (await here(() =>
      writer.query("update public.customers set email = $2 where id = $1", [changed, `U${email}`]),
    )) as { rowCount: number };
    if (update.rowCount) model.set(changed, `U${email}`);
    done.changed += update.rowCount;
    if (n % 3 > 0) continue;
    const deletion = (await here(() =>
      writer.query("delete from public.customers where id = $1", [gone]),
    )) as { rowCount: number };
    if (deletion.rowCount) model.delete(gone);
    done.deleted += deletion.rowCount;
  }
  return done;
}

/** All addresses by id, opened. */
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

const sum = async (column: string) =>
  Number(
    (
      await as(client, { role: "app_background" }, () =>
        client.query(`select sum(${column}) from pii.status('public.customers')`),
      )
    ).rows[0].sum,
  );
const sorted = (map: Map<string, string>) => [...map].sort();

test("a backfill that is killed in mid-batch and run again, beside writers", async () => {
  const env = { HARNESS_PII_KEY: key };
  const command = ["pii", "backfill", "--database-url", url, "--batch", "150"];
  const before = await sum("unsealed");
  let writing = true;
  const written = writers.map((writer, n) => write(writer, tenants[n] ?? "", () => writing));
  const first = start(command, env);
  await killInMidBatch(client, first, async () => (await sum("unsealed")) < before * 0.9);
  const between = await sum("unsealed");
  const { status, stdout, stderr } = await harness(command, { env });
  writing = false;
  const done = await Promise.all(written);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain("nothing is left");
  expect(between).toBeGreaterThan(0);
  expect(between).toBeLessThan(before);
  for (const { inserted, changed, deleted } of done)
    expect(Math.min(inserted, changed, deleted)).toBeGreaterThan(0);
  expect(await sum("unsealed")).toBe(0);
  expect(sorted(await opened(key))).toEqual(sorted(model));
});

test("once more there is nothing to do", async () => {
  const { status, stdout } = await harness(["pii", "backfill", "--database-url", url], {
    env: { HARNESS_PII_KEY: key },
  });
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: "public.customers: 0 rows done, nothing is left\n",
  });
});

test("a rotation that is killed in mid-batch, run again and finished, beside writers", async () => {
  const env = { HARNESS_PII_KEY: key, HARNESS_PII_NEW_KEY: nextKey };
  const rotate = ["pii", "rotate", "--database-url", url, "--batch", "150"];
  const finish = () =>
    harness(["pii", "rotate", "--finish", "--database-url", url], { env: { HARNESS_PII_KEY: nextKey } });
  let writing = true;
  const written = writers.map((writer, n) => write(writer, tenants[n] ?? "", () => writing));
  const first = start(rotate, env);
  await killInMidBatch(client, first, async () => (await sum("sealed")) > (await sum("stale")) + 100);
  const between = await sum("stale");
  const early = await finish();
  const again = await harness(rotate, { env });
  writing = false;
  await Promise.all(written);
  expect(between).toBeGreaterThan(0);
  expect({ status: early.status, code: /\[[a-z-]+\]/.exec(early.stderr)?.[0] }).toEqual({
    status: 1,
    code: "[rotation-refused]",
  });
  expect({ status: again.status, stderr: again.stderr }).toEqual({ status: 0, stderr: "" });
  expect(again.stdout).toContain("going on with the rotation of 2 tenants");
  expect(again.stdout).toContain("--finish");
  expect(await sum("stale")).toBe(0);
  // until it is finished both configured keys open everything
  expect(sorted(await opened(key))).toEqual(sorted(model));
  expect(sorted(await opened(nextKey))).toEqual(sorted(model));
  const { status, stdout } = await finish();
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: "the old data keys of 2 tenants are destroyed\ncomplete\n",
  });
  expect(sorted(await opened(nextKey))).toEqual(sorted(model));
  await expect(opened(key)).rejects.toMatchObject({ code: "PI003" });
});

test("a rotation that is complete says so", async () => {
  const { status, stdout } = await harness(["pii", "rotate", "--database-url", url], {
    env: { HARNESS_PII_KEY: key, HARNESS_PII_NEW_KEY: nextKey },
  });
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: "HARNESS_PII_NEW_KEY is the key already\ncomplete\n",
  });
});

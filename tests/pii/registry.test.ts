import { expect, test } from "vitest";
import { harness } from "../support/cli.ts";
import { loadDemoData, testDatabase } from "../support/database.ts";
import { as, newKey } from "./support/pii.ts";

// A protected table that was renamed, moved, dropped or changed does not stop the others; what it holds is never left behind.
const tenant = "de300000-0000-4000-8000-000000000001";
const codeOf = (stderr: string) => /^harness: [^\n]+\[([a-z-]+)\]\n$/.exec(stderr)?.[1];

async function databaseWithLeads() {
  const { client, url } = await testDatabase();
  const key = newKey();
  await loadDemoData(client, key);
  await client.query(`create table public.leads (restaurant_id uuid not null, id uuid not null default gen_random_uuid(), email text, primary key (restaurant_id, id));
    select tenancy.protect('public.leads', 'restaurant_id');
    select pii.protect('public.leads', 'restaurant_id', 'id', '{"email": {"kind": "email"}}');`);
  await as(client, { role: "app_background", key }, () =>
    client.query("insert into public.leads (restaurant_id, email) values ($1, 'lead@guests.example')", [
      tenant,
    ]),
  );
  const pii = (args: string[], env: Record<string, string> = { HARNESS_PII_KEY: key }) =>
    harness(["pii", ...args, "--database-url", url], { env });
  const status = async () => JSON.parse((await pii(["status", "--json"])).stdout);
  return { client, pii, key, status };
}

const renamings = [
  ["renamed", "alter table public.leads rename to prospects", "public.prospects"],
  [
    "moved",
    "create schema sales; grant usage on schema sales to public; alter table public.leads set schema sales",
    "sales.leads",
  ],
  [
    "renamed, and another one has its name",
    "alter table public.leads rename to old_leads; create table public.leads (id uuid, email text)",
    "public.old_leads",
  ],
] as const;

test.each(renamings)(
  "a table that was %s is found, rotated, and its values open",
  async (_, change, name) => {
    const { client, pii, key, status } = await databaseWithLeads();
    await client.query(change);
    const { tables, unusable } = await status();
    expect(unusable).toEqual([]);
    expect(tables.map((one: { table: string }) => one.table)).toEqual(["public.customers", name]);
    const rotated = await pii(["rotate"]);
    expect({ status: rotated.status, stderr: rotated.stderr }).toEqual({ status: 0, stderr: "" });
    expect(rotated.stdout).toContain(`${name}: 1 rows done, nothing is left`);
    const { rows } = await as(client, { role: "pii_reader", tenant, key }, async () => {
      await client.query("reset role");
      await client.query("set local role app_background");
      await client.query("select tenancy.set_job('test')");
      return client.query(
        `select pii.open(restaurant_id, 'public.leads.email', id, email_encrypted) as email, pii.kid_of(email_encrypted) as kid from ${name}`,
      );
    });
    expect(rows).toEqual([{ email: "lead@guests.example", kid: 2 }]);
  },
);

test("a name that values are sealed for cannot become another table's", async () => {
  const { client } = await databaseWithLeads();
  await client.query(`alter table public.leads rename to old_leads;
    create table public.leads (restaurant_id uuid not null, id uuid not null default gen_random_uuid(), email text, primary key (restaurant_id, id));
    select tenancy.protect('public.leads', 'restaurant_id');`);
  await expect(
    client.query(`select pii.protect('public.leads', 'restaurant_id', 'id', '{"email": {"kind": "email"}}')`),
  ).rejects.toMatchObject({ code: "42P07" });
});

test("a table that was dropped: the others go on, a line says so, and it can be forgotten", async () => {
  const { client, pii, status } = await databaseWithLeads();
  await client.query("drop table public.leads");
  const shown = await pii(["status"]);
  expect({ status: shown.status, stderr: shown.stderr }).toEqual({ status: 0, stderr: "" });
  expect(shown.stdout).toContain(
    "public.leads is gone; select pii.forget('public.leads') takes it off the list",
  );
  const backfilled = await pii(["backfill"]);
  expect({ status: backfilled.status, said: backfilled.stdout.includes("public.leads is gone") }).toEqual({
    status: 0,
    said: true,
  });
  const rotated = await pii(["rotate"]);
  expect({ status: rotated.status, stderr: rotated.stderr }).toEqual({ status: 0, stderr: "" });
  expect(rotated.stdout).toContain("public.customers: 12 rows done, nothing is left");
  const named = await pii(["backfill", "--table", "public.leads"]);
  expect({ status: named.status, code: codeOf(named.stderr) }).toEqual({ status: 2, code: "unknown-table" });
  await client.query("select pii.forget('public.leads')");
  expect((await status()).unusable).toEqual([]);
  await expect(client.query("select pii.forget('public.customers')")).rejects.toMatchObject({
    code: "55000",
  });
});

test("a table that has lost a column: the others are seen, and rotation refuses before it begins", async () => {
  const { client, pii, status } = await databaseWithLeads();
  await client.query("alter table public.leads rename column email_encrypted to secret");
  const { tables, unusable } = await status();
  expect(tables.length).toBe(1);
  expect(unusable).toMatchObject([{ table: "public.leads", gone: false }]);
  const { status: exit, stdout, stderr } = await pii(["rotate"]);
  expect({ exit, stdout, code: codeOf(stderr) }).toEqual({ exit: 1, stdout: "", code: "rotation-refused" });
  const { rows } = await as(client, { role: "app_background" }, () =>
    client.query("select count(*)::int as n from pii.rotating()"),
  );
  expect(rows).toEqual([{ n: 0 }]);
});

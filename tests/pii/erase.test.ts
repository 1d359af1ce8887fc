import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../harness/config/load.ts";
import { harness } from "../support/cli.ts";
import { loadDemoData, testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { as, newKey } from "./support/pii.ts";
import { placesOf } from "./support/plaintext.ts";

const { client, url, name } = await testDatabase();
const key = newKey();
const tenant = "de300000-0000-4000-8000-000000000001";
const other = "de300000-0000-4000-8000-000000000002";
const erase = (...args: string[]) => harness(["pii", "erase", "--database-url", url, ...args]);
const exportOf = (id: string, ...args: string[]) =>
  harness(["pii", "export", "--database-url", url, "--customer", id, ...args], {
    env: { HARNESS_PII_KEY: key },
  });
const codeOf = (stderr: string) => /^harness: [^\n]+\[([a-z-]+)\]\n$/.exec(stderr)?.[1];
const guest = async (email: string, of = tenant) =>
  (
    await as(client, { role: "app_background" }, () =>
      client.query("select id from public.customers where restaurant_id = $1 and email = $2", [of, email]),
    )
  ).rows[0].id as string;

let ada: string;
let bilal: string;
/** A sealed value as a backup would have kept it. */
let kept: { id: string; email_encrypted: Buffer };

beforeAll(async () => {
  await loadDemoData(client, key);
  ada = await guest("Ada.Moreau@guests.example");
  bilal = await guest("bilal@guests.example");
  await as(client, { role: "app_background", key }, async () => {
    await client.query(
      `insert into public.outbox (restaurant_id, destination, event_type, aggregate_type, aggregate_id, payload, last_error)
       select r, 'email', 'e', 'customer', c, jsonb_build_object('to', m, 'guestName', n, 'customer', c), 'no mailbox ' || m
         from (values ($1::uuid, $2::uuid, 'Ada.Moreau@guests.example', 'Ada Moreau'), ($1, $3, 'bilal@guests.example', 'Bilal Haddad')) as v (r, c, m, n)`,
      [tenant, ada, bilal],
    );
    await client.query("update public.bookings set notes = 'Ada Moreau is allergic' where customer_id = $1", [
      ada,
    ]);
    const { rows } = await client.query("select id, email_encrypted from public.customers where id = $1", [
      bilal,
    ]);
    kept = rows[0];
  });
});

test("an export is JSON with everything of the guest in clear, and nothing of anybody else", async () => {
  const { status, stdout, stderr } = await exportOf(ada, "--debug");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const { customer, bookings, messages } = JSON.parse(stdout);
  expect(customer).toMatchObject({
    id: ada,
    full_name: "Ada Moreau",
    email: "Ada.Moreau@guests.example",
    phone: "+33 6 55 50 01 01",
  });
  expect(bookings.length).toBeGreaterThan(0);
  expect(messages.length).toBeGreaterThan(0);
  expect(stdout).not.toMatch(/bilal/i);
});

test.each([
  ["somebody who is not there", ["99999999-9999-4999-8999-999999999999"], "nobody-there"],
  ["what is no id", ["1; drop table"], "bad-option"],
  ["another tenant's", [() => ada, "--tenant", other], "nobody-there"],
])("an export of %s", async (_, args, code) => {
  const [id = "", ...rest] = args.map((arg) => (typeof arg === "function" ? arg() : arg));
  const { status, stdout, stderr } = await exportOf(id, ...rest);
  expect({ status, stdout, code: codeOf(stderr) }).toEqual({ status: 2, stdout: "", code });
});

test("nothing is erased unasked", async () => {
  for (const [args, code] of [
    [["--customer", ada], "not-confirmed"],
    [["--tenant", tenant], "not-confirmed"],
    [["--customer", ada, "--yes", bilal], "not-confirmed"],
    [["--customer", "", "--tenant", tenant, "--yes"], "bad-option"],
    [["--yes"], "erase-whom"],
    [["--customer", ada, "--tenant", other, "--yes"], "nobody-there"],
  ] as const) {
    const { status, stdout, stderr } = await erase(...args);
    expect({ status, stdout, code: codeOf(stderr) }).toEqual({ status: 2, stdout: "", code });
  }
  expect(JSON.parse((await exportOf(ada)).stdout).customer.full_name).toBe("Ada Moreau");
});

test("on a protected branch the id is wanted once more", async () => {
  const config = join(temporaryFolder(), "harness.config.json");
  writeFileSync(config, JSON.stringify({ ...loadConfig(), protected: [name] }));
  const attempt = async (...args: string[]) =>
    codeOf((await erase("--config", config, "--customer", ada, ...args)).stderr);
  expect(await attempt("--yes")).toBe("protected-branch");
  expect(await attempt("--yes", "--confirm", name)).toBe("not-confirmed");
  expect(await attempt("--yes", bilal, "--confirm", name)).toBe("not-confirmed");
  const backfill = await harness(["pii", "backfill", "--database-url", url, "--config", config], {
    env: { HARNESS_PII_KEY: key },
  });
  expect(codeOf(backfill.stderr)).toBe("protected-branch");
});

test("a guest is erased: nothing of it stands anywhere in this tenant's rows, and twice does no harm", async () => {
  const { status, stdout } = await erase("--customer", ada, "--yes");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^Erased customer \S+ of \S+: .*1 customers/);
  expect(stdout).not.toMatch(/moreau/i);
  const { customer, bookings } = JSON.parse((await exportOf(ada)).stdout);
  expect(customer).toMatchObject({ full_name: "[erased]", email: null, phone: null, notes: null });
  expect(bookings.length).toBeGreaterThan(0);
  expect((await erase("--customer", ada, "--yes")).status).toBe(0);
  const { rows } = await as(client, { role: "app_background" }, () =>
    client.query("select subject, subject_id, job from pii.erasures order by id"),
  );
  expect(rows).toEqual(Array(2).fill({ subject: "customer", subject_id: ada, job: "pii" }));
  // the same person at the two other restaurants is theirs
  expect(await count("customers", "full_name = 'Ada Moreau'")).toBe(2);
  expect(await count("outbox", `restaurant_id = '${tenant}' and payload::text ~* 'moreau'`)).toBe(0);
});

test("a tenant is erased: no column of the database says who its guests were, and copies do not open", async () => {
  for (const id of [tenant, other, "de300000-0000-4000-8000-000000000003"]) {
    const { status, stdout } = await erase("--tenant", id, "--yes", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      tenant: id,
      customer: null,
      cleared: { keys: 1, customers: 4 },
    });
  }
  for (const text of ["Moreau", "bilal", "chiara.conti", "0655500101", "allergic", "guests.example"])
    expect({ text, places: await placesOf(client, text) }).toEqual({ text, places: [] });
  // the search finds what is there
  expect(await placesOf(client, "Osteria del Porto")).toEqual(["public.restaurants.name"]);
  await expect(
    as(client, { role: "pii_reader", tenant, key }, () =>
      client.query("select pii.open($1, 'public.customers.email', $2, $3)", [
        tenant,
        kept.id,
        kept.email_encrypted,
      ]),
    ),
  ).rejects.toMatchObject({ code: "PI006" });
  expect((await erase("--tenant", tenant, "--yes")).status).toBe(0);
});

async function count(table: string, condition: string): Promise<number> {
  const { rows } = await as(client, { role: "app_background" }, () =>
    client.query(`select count(*)::int as n from public.${table} where ${condition}`),
  );
  return rows[0].n;
}

import { beforeAll, expect, test } from "vitest";
import { harness } from "../support/cli.ts";
import { loadDemoData, testDatabase } from "../support/database.ts";

const { client, url } = await testDatabase();
const tenant = "de300000-0000-4000-8000-000000000001";
const as = (who: string, sql: string, ...rest: string[]) =>
  harness(["as", who, "--database-url", url, ...rest, "--", sql]);

beforeAll(() => loadDemoData(client));

test("shows one tenant's rows", async () => {
  const { status, stdout, stderr } = await as(tenant, "select id from public.restaurants");
  expect(status).toBe(0);
  expect(stdout).toBe(`id\n${"─".repeat(36)}\n${tenant}\nSELECT 1\n`);
  expect(stderr).toMatch(/Rolled back/);
});

test("as JSON", async () => {
  const { stdout } = await as(tenant, "select count(*)::int as n from public.restaurants", "--json");
  expect(JSON.parse(stdout)).toEqual({
    schemaVersion: 1,
    results: [{ command: "SELECT", rowCount: 1, rows: [{ n: 1 }] }],
  });
});

test("rolls back, unless told to commit", async () => {
  const rename = (name: string) => `update public.restaurants set name = '${name}'`;
  const name = async () =>
    (await client.query("select name from public.restaurants where id = $1", [tenant])).rows[0].name;
  const before = await name();
  await as(tenant, rename("Trial"));
  expect(await name()).toBe(before);
  expect((await as(tenant, rename("Kept"), "--commit")).status).toBe(0);
  expect(await name()).toBe("Kept");
});

test("says so when the context names nobody", async () => {
  const { status, stderr, stdout } = await as("nobody", "select count(*) from public.bookings");
  expect(status).toBe(0);
  expect(stdout).toContain("\n0\n");
  expect(stderr).toContain("names nobody");
});

test.each([
  ["commit; select 1", "transaction-control"],
  ["/* x */ rollback", "transaction-control"],
  ["selec 1", "sql-syntax"],
  ["select * from nowhere", "statement-failed"],
  [
    `insert into public.restaurants (id, name) values ('de300000-0000-4000-8000-000000000009', 'x')`,
    "refused-by-row-security",
  ],
  ["truncate public.bookings", "grants-missing"],
])("%s is an error of one line", async (sql, code) => {
  const { status, stderr } = await as(tenant, sql);
  expect(stderr).toMatch(new RegExp(`^harness: [^\\n]+\\[${code}\\]\\n$`));
  expect(status).toBe(2);
});

test("a role that is not there is explained by the runbook", async () => {
  const { status, stderr } = await as(tenant, "select 1", "--role", "nobody_such");
  expect(stderr).toContain("[role-missing]");
  expect(status).toBe(2);
});

test("a tenant's id is a value and never SQL", async () => {
  const { status } = await as(`'); drop table public.bookings; --`, "select 1");
  expect(status).toBe(0);
  expect((await client.query("select to_regclass('public.bookings') is not null as there")).rows).toEqual([
    { there: true },
  ]);
});

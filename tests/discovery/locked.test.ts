import { expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const tenantTable = (name: string) => `
  create table ${name} (id int, tenant_id uuid not null);
  alter table ${name} enable row level security;
  alter table ${name} force row level security;
  create policy tenants on ${name} using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
  grant select, insert, update, delete on ${name} to application;`;

const { client, url } = await testDatabase("empty");
await client.query(
  `create role application nologin; grant application to current_user with set true;
   grant usage on schema public to application;
   ${["public.orders", "public.invoices", "public.visits"].map(tenantTable).join("\n")}`,
);
const cwd = temporaryFolder();
const verify = () => harness(["verify", "--json"], { cwd, env: { DATABASE_URL: url } });

interface Judged {
  code: string;
  object: string;
  outcome: string;
}
const failuresIn = (results: Judged[]) =>
  results.filter(({ outcome }) => outcome === "fail").map(({ code, object }) => `${code} ${object}`);
let failuresBefore: string[] = [];

test("nothing is locked: nothing is left out", async () => {
  const { status, stdout, stderr } = await verify();
  failuresBefore = failuresIn(JSON.parse(stdout).results);
  expect(stderr).not.toMatch(/left out/);
  expect(status).toBe(0);
});

test.each([
  ["one table", ["public.orders"]],
  ["two tables", ["public.orders", "public.visits"]],
])("%s locked: it is left out, with who has it, and everything else is judged", async (_, tables) => {
  const holder = await connect(url, { purpose: "vacuum full" });
  await holder.query(`begin; lock table ${tables.join(", ")} in access exclusive mode`);
  const { status, stdout, stderr } = await verify();
  await holder.end();
  for (const table of tables)
    expect(stderr).toMatch(
      new RegExp(`${table} is left out: session \\d+ \\(harness vacuum full\\) of role`),
    );
  const { results, summary } = JSON.parse(stdout);
  expect(summary.tables).toBe(3 - tables.length);
  expect(failuresIn(results).filter((failure) => !failuresBefore.includes(failure))).toEqual([]);
  const passed = results.filter(({ outcome }: { outcome: string }) => outcome === "pass");
  const judged = passed
    .filter(({ code }: { code: string }) => code === "H201")
    .map(({ object }: { object: string }) => object);
  expect(judged).toContain("public.invoices");
  for (const table of tables) {
    expect(judged).not.toContain(table);
    expect(results).toContainEqual(
      expect.objectContaining({
        object: table,
        outcome: "skipped",
        detail: expect.stringMatching(/harness vacuum full/),
      }),
    );
  }
  expect(status).toBe(3);
});

test("somebody who waits to lock a table behind a reader locks it too", async () => {
  const reader = await connect(url, { purpose: "long report" });
  await reader.query("begin; select from public.orders");
  const waiter = await connect(url, { purpose: "alter" });
  const waiting = waiter
    .query("begin; lock table public.orders in access exclusive mode")
    .catch(() => undefined);
  for (let queued = 0; queued === 0; ) {
    const { rows } = await client.query(
      "select count(*)::int as n from pg_locks where relation = 'public.orders'::regclass and not granted",
    );
    queued = rows[0].n;
  }
  const { status, stderr } = await verify();
  expect(stderr).toMatch(/public\.orders is left out: session \d+ \(harness alter\)/);
  expect(status).toBe(3);
  await reader.end();
  await waiting;
  await waiter.end();
});

test("where all are locked, it says who and ends", async () => {
  const holder = await connect(url, { purpose: "vacuum full" });
  await holder.query(
    "begin; lock table public.orders, public.invoices, public.visits in access exclusive mode",
  );
  const { status, stderr } = await verify();
  await holder.end();
  expect(stderr).toMatch(/harness vacuum full.*\[waited-for-lock\]|no-tenant-tables/);
  expect(status).toBe(2);
});

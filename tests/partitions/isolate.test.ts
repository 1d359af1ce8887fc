import { afterEach, expect, test } from "vitest";
import { installPack } from "../../harness/partitions/pack.ts";
import { testDatabase } from "../support/database.ts";

const { client } = await testDatabase("empty");
await installPack(client);
await client.query("create schema app; grant usage on schema app to authenticated");
const all = async <T>(sql: string, values: unknown[] = []) => (await client.query(sql, values)).rows as T[];

afterEach(async () => {
  await client.query(
    "reset role; alter default privileges in schema app revoke all on tables from authenticated",
  );
});

const tenant = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const other = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

/** A protected table with one partition ahead, made while everybody gets privileges on whatever is created. */
async function protectedTable(name: string): Promise<void> {
  await client.query("alter default privileges in schema app grant all on tables to authenticated");
  await client.query(`
    create table app.${name} (id bigint generated always as identity, gone text, tenant uuid not null, at timestamptz not null default now()) partition by range (at);
    alter table app.${name} drop column gone;
    alter table app.${name} enable row level security, force row level security;
    create table if not exists app.members (tenant uuid, login text);
    create policy own on app.${name} to authenticated using (tenant::text = current_setting('app.tenant', true)) with check (tenant::text = current_setting('app.tenant', true));
    create policy floor on app.${name} as restrictive using (exists (select from app.members m where m.tenant = ${name}.tenant and '${name}.tenant' <> 'x'));
    comment on policy floor on app.${name} is 'Nobody gets past this.'`);
  await client
    .query("select partitions.manage($1, 'month', premake => 1); ", [`app.${name}`])
    .catch(async (error) => {
      throw error;
    });
  await client.query("select partitions.ensure($1)", [`app.${name}`]);
}

const childOf = async (table: string) =>
  (await all<{ child: string }>("select child::text from partitions.children($1) limit 1", [table]))[0]
    ?.child ?? "";

interface Policy {
  qual: string | null;
}

const policiesOf = (table: string) =>
  all<Policy>(
    `select policyname, permissive, roles, cmd, qual, with_check, obj_description(p.oid, 'pg_policy') as comment
       from pg_policies join pg_policy as p on p.polname = policyname and p.polrelid = $1::regclass
      where format('%I.%I', schemaname, tablename)::regclass = $1::regclass order by 1`,
    [table],
  );

test("a partition has its parent's row security and policies, and nobody's privileges", async () => {
  await protectedTable("events");
  const child = await childOf("app.events");
  expect(
    await all("select relrowsecurity, relforcerowsecurity from pg_class where oid = $1::regclass", [child]),
  ).toEqual([{ relrowsecurity: true, relforcerowsecurity: true }]);
  const policies = await policiesOf("app.events");
  expect(policies).toHaveLength(2);
  // the column is the child's own, and what only looks like it is left alone
  expect(policies[0]?.qual).toContain("(m.tenant = events.tenant) AND ('events.tenant'::text <> 'x'::text)");
  const name = child.slice("app.".length);
  expect(await policiesOf(child)).toEqual(
    policies.map((policy) => ({
      ...policy,
      qual: policy.qual?.replace("= events.tenant", `= ${name}.tenant`),
    })),
  );
  expect(
    await all(
      "select 1 from pg_class, aclexplode(relacl) as g where oid = $1::regclass and g.grantee <> relowner",
      [child],
    ),
  ).toEqual([]);
});

test("a tenant reaches its rows through the parent, and no row by the name of a partition, whatever is granted", async () => {
  await protectedTable("orders");
  await client.query(
    "grant select, insert, update, delete on app.orders to authenticated; grant select on app.members to authenticated",
  );
  const child = await childOf("app.orders");
  await client.query("insert into app.members values ($1, 'a'), ($2, 'b')", [tenant, other]);
  const asTenant = async <T>(sql: string, values: unknown[] = []) => {
    await client.query("begin; set local role authenticated");
    try {
      await client.query("select set_config('app.tenant', $1, true)", [tenant]);
      return await all<T>(sql, values);
    } finally {
      await client.query("commit");
    }
  };
  await asTenant("insert into app.orders (tenant) values ($1)", [tenant]);
  await expect(asTenant("insert into app.orders (tenant) values ($1)", [other])).rejects.toMatchObject({
    code: "42501",
  });
  expect(await asTenant("select tenant from app.orders")).toEqual([{ tenant }]);
  await expect(asTenant(`select * from ${child}`)).rejects.toThrow(/permission denied for table/);
  await expect(asTenant(`insert into ${child} (tenant) values ($1)`, [tenant])).rejects.toThrow(
    /permission denied/,
  );

  // Somebody grants it nevertheless: the policies are there.
  await client.query(`grant select, insert on ${child} to authenticated`);
  await expect(asTenant(`insert into ${child} (tenant) values ($1)`, [other])).rejects.toThrow(
    /row-level security/,
  );
  expect(await asTenant(`select tenant from ${child}`)).toEqual([{ tenant }]);
  await client.query("select partitions.isolate('app.orders', $1)", [child]);
  await expect(asTenant(`select * from ${child}`)).rejects.toThrow(/permission denied for table/);
});

test("isolate mends what differs, by column too, and nothing else", async () => {
  await protectedTable("holds");
  const child = await childOf("app.holds");
  const before = await all(
    "select xmin::text, polname from pg_policy where polrelid = $1::regclass order by 2",
    [child],
  );
  await client.query("select partitions.isolate('app.holds', $1)", [child]);
  expect(
    await all("select xmin::text, polname from pg_policy where polrelid = $1::regclass order by 2", [child]),
  ).toEqual(before);

  await client.query(`
    alter table ${child} disable row level security, no force row level security;
    drop policy floor on ${child};
    create policy open on ${child} using (true);
    alter policy own on ${child} to public;
    grant select (tenant) on ${child} to public;
    grant update on ${child} to authenticated with grant option`);
  await client.query("select partitions.isolate('app.holds', $1)", [child]);
  const named = ({ qual, ...rest }: Policy) => ({
    ...rest,
    qual: qual?.replace(`= ${child.slice("app.".length)}.`, "= holds."),
  });
  expect((await policiesOf(child)).map(named)).toEqual(await policiesOf("app.holds"));
  expect(
    await all(
      `select relrowsecurity, relforcerowsecurity, has_column_privilege('authenticated', oid, 'tenant', 'select') as reads,
              has_table_privilege('authenticated', oid, 'update') as writes
         from pg_class where oid = $1::regclass`,
      [child],
    ),
  ).toEqual([{ relrowsecurity: true, relforcerowsecurity: true, reads: false, writes: false }]);
  // and what the parent has not, the child loses
  await client.query(
    "alter table app.holds no force row level security, disable row level security; drop policy floor on app.holds",
  );
  await client.query("select partitions.isolate('app.holds', $1)", [child]);
  expect(
    await all("select relrowsecurity, relforcerowsecurity from pg_class where oid = $1::regclass", [child]),
  ).toEqual([{ relrowsecurity: false, relforcerowsecurity: false }]);
  expect(await policiesOf(child)).toHaveLength(1);
});

test.each([
  ["(t.a = 1)", "(u.a = 1)"],
  ["a = 't.a'", "a = 't.a'"],
  [`"t.a" = 1 and t.a > 0`, `"t.a" = 1 and u.a > 0`],
  ["x.t.a = 1", "x.t.a = 1"],
  ["t.a(1)", "t.a(1)"],
  ["t.b", "t.b"],
  ["prefix_t.a + t.a", "prefix_t.a + u.a"],
  ["count(t.*)", "count(u.*)"],
])("%s, of another table, is %s", async (from, to) => {
  expect(await all("select partitions.renamed($1, 't', 'u', '{a}') as text", [from])).toEqual([{ text: to }]);
});

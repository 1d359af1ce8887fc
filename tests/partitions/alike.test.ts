import { expect, test } from "vitest";
import { installPack } from "../../harness/partitions/pack.ts";
import { partitionStatus } from "../../harness/partitions/status.ts";
import { readSqlFile } from "../../harness/sql/sql-file.ts";
import { testDatabase } from "../support/database.ts";

// The fragments that status and the checks bring in, and the functions of the pack, say the same of every table.
const { client } = await testDatabase("empty");
await installPack(client);
const fragment = (name: string) => readSqlFile(`harness/sql/fragments/${name}.sql`).text;

test.each([
  ["date", "date", "'2026-01-01'", "'2026-02-01'", "'5874897-01-01'"],
  ["timestamp", "timestamp", "'0044-03-15 12:00 BC'", "'2026-02-01'", "'infinity'"],
  ["timestamptz", "timestamptz", "'2026-03-29 02:30 Europe/Zurich'", "'9999-12-31 23:59:59+14'", "maxvalue"],
])("bounds of a key of type %s", async (name, type, first, second, third) => {
  await client.query(`
    create table public.${name}s (at ${type}) partition by range (at);
    create table public.${name}s_0 partition of public.${name}s for values from (minvalue) to (${first});
    create table public.${name}s_1 partition of public.${name}s for values from (${first}) to (${second});
    create table public.${name}s_2 partition of public.${name}s for values from (${second}) to (${third});
    create table public.${name}s_rest partition of public.${name}s default`);
  for (const zone of ["UTC", "Asia/Kathmandu", "America/New_York"]) {
    const { rows } = await client
      .query(
        `begin; set local timezone = '${zone}'; set local datestyle = 'ISO';
       with ${fragment("partition_bounds")},
       ours as (select child::bigint, starts_at, ends_at, is_default, detaching from partition_bounds where parent = 'public.${name}s'::regclass),
       theirs as (select child::oid::bigint, starts_at, ends_at, is_default, is_detaching from partitions.children('public.${name}s'))
       select (select count(*)::int from ours) as n,
              (select json_agg(d) from ((table ours except table theirs) union all (table theirs except table ours)) as d) as differing`,
      )
      .then((results) => (results as unknown as { rows: unknown[] }[]).at(-1) as { rows: unknown[] });
    await client.query("commit");
    expect(rows).toEqual([{ n: 4, differing: null }]);
  }
});

interface Case {
  columns?: string;
  schema?: string;
  /** Of the table; {own} is its name. */
  policy: string;
  /** Of the partition, where it is another one. */
  other?: string;
}

/** Policies in which the name of the table stands in some place or other. */
const cases: Record<string, Case> = {
  "a column in a subquery": { policy: "exists (select from public.others as o where o.n = {own}.n)" },
  "a literal like a column": { policy: "note <> 'see {table}.note' and n > 0" },
  "a literal and a column": { policy: "(select {own}.note <> 'see {table}.n')" },
  "a literal with a quote": { policy: "(select {own}.note <> 'it''s {table}.n')" },
  "a schema called like the table": { schema: "visits", policy: "n = (select {table}.whose())" },
  "a schema called like the table, beside a column": {
    schema: "visits",
    policy: "exists (select from public.others as o where o.n = {own}.n and o.n = (select {table}.whose()))",
  },
  "a column of another table of another schema": {
    policy: "exists (select from elsewhere.{table} as o where o.n = {own}.n)",
  },
  // below the table of that name the catalogue gives the other one an alias; once isolated the partition has it too
  "another table called like it, without an alias": {
    policy: "exists (select from elsewhere.{table} where {table}.n = 1)",
    other: "exists (select from elsewhere.{table} where {table}.n = 1)",
  },
  "the whole row": { policy: "(select {own}.* is not null)" },
  "an operator": { policy: "(select {own}.n >= 0 and @ {own}.n < 5)" },
  "another condition": { policy: "(select {own}.n >= 0)", other: "(select {own}.n > 0)" },
  "another literal": { policy: "note <> 'see {table}.n'", other: "note <> 'see {table}_now.n'" },
};

test.each(Object.entries(cases))("policies: %s", async (_, { schema, policy, other }) => {
  for (const table of ["visits", '"Visits: a"']) {
    const plain = table.replaceAll('"', "");
    const child = `"${plain}_now"`;
    await client.query(`
      drop schema if exists elsewhere, visits, "Visits: a" cascade;
      drop table if exists public.visits, public."Visits: a", public.others cascade;
      create schema elsewhere;
      create table elsewhere.${table} (n integer);
      create table public.others (n integer);
      ${schema ? `create schema ${table}; create function ${table}.whose() returns integer language sql return 1;` : ""}
      create table public.${table} (n integer not null, note text not null, at date not null) partition by range (at);
      create table public.${child} partition of public.${table} for values from ('2026-01-01') to ('2027-12-01');
      alter table public.${table} enable row level security, force row level security;
      alter table public.${child} enable row level security, force row level security;`);
    const written = (text: string, own: string) =>
      text.replaceAll("{own}", own).replaceAll("'see {table}", `'see ${plain}`).replaceAll("{table}", table);
    await client.query(`
      create policy own on public.${table} using (${written(policy, table)}) with check (true);
      create policy own on public.${child} using (${written(other ?? policy, child)}) with check (true);`);
    const { rows } = await client.query(
      `with ${fragment("own_policies")},
       texts as (select relation, jsonb_agg(to_jsonb(p) - 'relation') as text from own_policies as p group by relation)
       select count(distinct text) = 1 as same, count(*)::int as n,
              not exists (select from partitions.policies($1::regclass, $3) except select from partitions.policies($2::regclass)) as alike,
              (select count(*)::int from ((select * from partitions.policies($1::regclass, $3) except select * from partitions.policies($2::regclass))
                union all (select * from partitions.policies($2::regclass) except select * from partitions.policies($1::regclass, $3))) as d) as differing
         from texts where relation in ($1::regclass, $2::regclass)`,
      [`public.${table}`, `public.${child}`, `${plain}_now`],
    );
    expect(rows[0]).toMatchObject({
      n: 2,
      same: other === undefined,
      differing: other === undefined ? 0 : 2,
    });
    const { tables } = await partitionStatus(client, { table: `public.${table}` });
    expect(tables[0]?.problems.includes("not-isolated")).toBe(other !== undefined);
    // and mended, all three agree that it is
    await client.query("select partitions.isolate($1, $2)", [`public.${table}`, `public.${child}`]);
    const mended = await partitionStatus(client, { table: `public.${table}` });
    expect(mended.tables[0]?.problems).not.toContain("not-isolated");
  }
});

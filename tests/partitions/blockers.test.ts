import { afterEach, beforeEach, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { installPartitions } from "./support/stepwise.ts";

// What is not carried over is refused, with the reason. Each case adds one thing to a table that can be partitioned.
const { client } = await testDatabase("empty");
await installPartitions(client);
await client.query(
  "create table public.parent_of_it (); create type public.odd_type as (id bigint, at timestamptz)",
);

const plain = `create table public.things (id bigint not null, at timestamptz not null, value integer, span tstzrange, primary key (id, at))`;

beforeEach(() => client.query(`begin; ${plain}`));
afterEach(() => client.query("rollback"));

const blockers = async (method = "shadow", extend = false) =>
  (
    await client.query("select object, reason, hint from partitions.blockers('things', 'at', $1, $2)", [
      extend,
      method,
    ])
  ).rows;

test("nothing", async () => {
  expect(await blockers()).toEqual([]);
});

const cases: [what: string, sql: string, object: RegExp, reason: RegExp][] = [
  [
    "partitioned",
    "drop table things; create table things (at date) partition by range (at)",
    /things/,
    /partitioned already/,
  ],
  ["a view", "drop table things; create view things as select now() as at", /things/, /no table/],
  ["no column", "alter table things rename at to when_", /things/, /no column at/],
  [
    "another type",
    "drop table things; create table things (at text not null primary key)",
    /column at/,
    /of type text/,
  ],
  [
    "may be NULL",
    "alter table things drop constraint things_pkey; alter table things alter at drop not null, add primary key (id)",
    /column at/,
    /may be NULL/,
  ],
  ["unlogged", "alter table things set unlogged", /things/, /unlogged/],
  [
    "a partition",
    "drop table things; create table whole (at date not null primary key) partition by range (at); create table things partition of whole for values from ('2026-01-01') to ('2027-01-01')",
    /things/,
    /partition itself/,
  ],
  ["heir", "alter table things inherit parent_of_it", /things/, /inherits/],
  ["has heirs", "create table heir () inherits (things)", /things/, /inherits/],
  [
    "typed",
    "drop table things; create table things of odd_type (at not null, id not null, primary key (id))",
    /things/,
    /typed table/,
  ],
  [
    "replica identity by index",
    "alter table things replica identity using index things_pkey",
    /things/,
    /replica identity/,
  ],
  ["a key without it", "create unique index no_at on things (value)", /unique key no_at/, /lacks at/],
  ["no identity", "alter table things drop constraint things_pkey", /things/, /neither a primary key/],
  [
    "exclusion that does not compare it",
    "alter table things add constraint apart exclude using gist (span with &&)",
    /constraint apart/,
    /compare at by =/,
  ],
  [
    "an unvalidated check",
    "alter table things add constraint later check (value > 0) not valid",
    /constraint later/,
    /not validated/,
  ],
  [
    "an unvalidated foreign key",
    "create table o (id integer primary key); alter table things add constraint later foreign key (value) references o not valid",
    /constraint later/,
    /not validated/,
  ],
  [
    "NO INHERIT",
    "alter table things add constraint alone check (value > 0) no inherit",
    /constraint alone/,
    /NO INHERIT/,
  ],
  [
    "inbound key without it",
    "create unique index on things (value, at); create unique index v on things (id); create table o (id bigint references things (id))",
    /constraint o_id_fkey/,
    /without at/,
  ],
  [
    "a key of its own",
    "alter table things add column up bigint, add column up_at timestamptz, add constraint self foreign key (up, up_at) references things",
    /constraint self/,
    /own table/,
  ],
  [
    "a referring table that is partitioned",
    "create table o (id bigint, at timestamptz, foreign key (id, at) references things) partition by range (at)",
    /constraint o_id_at_fkey/,
    /is partitioned/,
  ],
  [
    "row trigger with transition table",
    "create function f() returns trigger language plpgsql as 'begin return null; end'; create trigger many after insert on things referencing new table as n for each row execute function f()",
    /trigger many/,
    /transition/,
  ],
  ["rule", "create rule quiet as on delete to things do instead nothing", /rule quiet/, /not carried over/],
  [
    "materialized view",
    "create materialized view m as select id from things",
    /materialized view public\.m/,
    /cannot be redefined/,
  ],
  [
    "a rule elsewhere",
    "create table o (id bigint); create rule copied as on insert to o do also insert into things values (new.id, now())",
    /rule copied/,
    /refers to the table/,
  ],
  [
    "its own policy",
    "create policy own on things using (exists (select from things as t where t.value = things.value))",
    /policy own/,
    /table that it is on/,
  ],
  [
    "row type as an argument",
    "create function f(things) returns integer language sql return 1",
    /function public\.f\(public\.things\)/,
    /row type/,
  ],
  ["row type as a column", "create table o (whole things)", /column whole of table public\.o/, /row type/],
  ["row type as an array", "create table o (many things[])", /column many of table public\.o/, /row type/],
  [
    "row type in a view",
    "create view v as select t as whole from things as t",
    /column whole of view public\.v/,
    /row type/,
  ],
  [
    "a row that names it",
    "create table o (named regclass); insert into o values ('things')",
    /column named of public\.o/,
    /by its identity/,
  ],
  ["publication by partition", "create publication p for table things", /publication p/, /own names/],
  [
    "the sequence of an identity",
    "alter table things add column n bigint generated always as identity; create table o (n bigint default nextval('things_n_seq'))",
    /sequence public\.things_n_seq/,
    /made anew/,
  ],
];

test.each(cases)("%s", async (_, sql, object, reason) => {
  await client.query(sql);
  const found = await blockers();
  const [first] = found.filter((one) => object.test(one.object) && reason.test(one.reason));
  // where a table of one key would do, that lacks the column as well
  expect(found.filter((one) => !/it lacks at/.test(one.reason) || reason.test(one.reason))).toHaveLength(1);
  expect(first, JSON.stringify(found)).toMatchObject({ hint: expect.stringMatching(/\S/) });
});

test("a view that groups by a primary key that is extended", async () => {
  await client.query(
    "alter table things drop constraint things_pkey; alter table things add primary key (id); create view v as select id, value, count(*) from things group by id",
  );
  expect(await blockers("shadow", true)).toMatchObject([
    { object: "view public.v", reason: expect.stringContaining("primary key") },
  ]);
});

test("an index that is being built by an interrupted run is none of its own", async () => {
  await client.query("create unique index things_id_partitioned on things (id, at)");
  expect(await blockers("attach")).toEqual([]);
});

test("with extended keys, nothing of the keys is in the way", async () => {
  await client.query("create unique index no_at on things (value)");
  expect(await blockers("shadow", true)).toEqual([]);
});

test("a table of another role", async () => {
  await client.query(
    "create role somebody; grant somebody to current_user; grant create on schema public to somebody; alter table things owner to somebody; revoke somebody from current_user",
  );
  expect((await blockers()).map(({ reason }) => reason).join()).toContain("belongs to somebody");
});

test("a role that may not create schemas", async () => {
  await client.query(
    "create role visitor; grant visitor to current_user; grant usage on schema partitions to visitor; grant execute on all functions in schema partitions to visitor; set local role visitor",
  );
  expect((await blockers()).map(({ reason }) => reason).join()).toContain("may not create schemas");
});

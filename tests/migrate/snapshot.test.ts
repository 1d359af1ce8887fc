import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parseSnapshot, snapshotText, takeSnapshot } from "../../harness/migrate/snapshot.ts";
import { changedObjects, snapshotDifference } from "../../harness/migrate/snapshot-difference.ts";
import { harness } from "../support/cli.ts";
import { loadDemoData, testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const { client, url } = await testDatabase();

/** One of each kind, to be changed below. */
beforeAll(() =>
  client.query(`
    create schema s;
    create type s.mood as enum ('sad', 'glad');
    create domain s.share as numeric check (value <= 1);
    create type s.pair as (a int, b int);
    create table s.t (id bigint generated always as identity primary key, a int not null default 1, b text, mood s.mood);
    create table s.log (at date not null) partition by range (at);
    create table s.log_1 partition of s.log for values from ('2020-01-01') to ('2021-01-01');
    create index t_a_idx on s.t (a);
    create view s.v with (security_barrier) as select id, a from s.t;
    create function s.f(x int) returns int language plpgsql set search_path = '' as $$ begin return x; end $$;
    create aggregate s.total(int) (sfunc = int4pl, stype = int, initcond = '0');
    create function s.touch() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger touch before update on s.t for each row execute function s.touch();
    create rule nothing as on delete to s.log do instead nothing;
    create sequence s.numbers;
    create policy own on s.t to authenticated using (a = 1);
    create statistics s.together on a, b from s.t;
    create operator s.=== (leftarg = int, rightarg = int, function = int4eq);
    create publication p for table s.t`),
);

// What is done, and the objects that are something else after it.
const changes: [string, string[]][] = [
  [
    "alter default privileges in schema s grant select on tables to authenticated",
    ["default privileges of neondb_owner on tables in schema s"],
  ],
  [
    "alter default privileges revoke execute on functions from public",
    ["default privileges of neondb_owner on functions"],
  ],
  ["grant create on schema s to authenticated", ["schema s"]],
  ["grant usage on type s.mood to authenticated with grant option", ["type s.mood"]],
  ["alter type s.mood add value 'mad' before 'sad'", ["type s.mood"]],
  ["alter domain s.share add constraint positive check (value >= 0)", ["type s.share"]],
  ["alter type s.pair add attribute c text", ["column s.pair.c"]],
  ["grant select (b) on s.t to authenticated", ["column s.t.b"]],
  ["alter table s.t alter a set default 2", ["column s.t.a"]],
  ["alter table s.t alter a drop not null", ["column s.t.a"]],
  ["alter table s.t alter b type varchar(10)", ["column s.t.b"]],
  ["alter table s.t add constraint small check (a < 10) not valid", ["constraint small on s.t"]],
  ["alter table s.t validate constraint small", ["constraint small on s.t"]],
  ["alter table s.t enable row level security", ["table s.t"]],
  ["alter table s.t force row level security", ["table s.t"]],
  ["alter table s.t set (fillfactor = 50)", ["table s.t"]],
  ["alter table s.t replica identity full", ["table s.t"]],
  ["drop index s.t_a_idx; create index t_a_idx on s.t (a, b)", ["index s.t_a_idx"]],
  ["alter view s.v reset (security_barrier)", ["view s.v"]],
  ["create or replace view s.v as select id, a + 1 as a from s.t", ["view s.v"]],
  ["alter function s.f(int) reset search_path", ["function s.f(x integer)"]],
  ["alter function s.f(int) security definer", ["function s.f(x integer)"]],
  ["revoke execute on function s.f(int) from public", ["function s.f(x integer)"]],
  [
    "drop aggregate s.total(int); create aggregate s.total(int) (sfunc = int4pl, stype = int, initcond = '1')",
    ["aggregate s.total(integer)"],
  ],
  ["alter table s.t disable trigger touch", ["trigger touch on s.t"]],
  ["alter table s.log disable rule nothing", ["rule nothing on s.log"]],
  ["alter sequence s.numbers increment 2", ["sequence s.numbers"]],
  ["alter policy own on s.t to public", ["policy own on s.t"]],
  ["alter policy own on s.t using (a = 2)", ["policy own on s.t"]],
  ["comment on policy own on s.t is 'why'", ["policy own on s.t"]],
  ["comment on column s.t.a is 'what'", ["column s.t.a"]],
  ["alter table s.log detach partition s.log_1", ["table s.log_1"]],
  [
    "alter table s.log attach partition s.log_1 for values from ('2020-01-01') to ('2020-07-01')",
    ["table s.log_1"],
  ],
  ["alter publication p set (publish = 'insert')", ["publication p"]],
  ["drop statistics s.together", ["statistics object s.together"]],
  ["drop operator s.=== (int, int)", ["operator s.===(integer,integer)"]],
  ["create extension hstore schema s", ["extension hstore"]],
  ["alter table s.t owner to authenticated", ["sequence s.t_id_seq", "table s.t"]],
  [
    "do $$ begin execute format('alter database %I set work_mem = ''5MB''', current_database()); end $$",
    ["database"],
  ],
];

describe.sequential("each change is seen, and nothing else", () => {
  test.each(changes)("%s", async (sql, objects) => {
    const before = await takeSnapshot(client);
    await client.query(sql);
    expect(changedObjects(before, await takeSnapshot(client))).toEqual(objects);
  });
});

// What makes no other database of it.
test.each([
  ["rows", () => loadDemoData(client)],
  [
    "what is so anyway, said explicitly",
    () => client.query("grant execute on function s.touch() to public; grant all on s.log to current_user"),
  ],
  [
    "the month that comes",
    () => client.query("select partitions.ensure('public.table_holds', now() + interval '8 months')"),
  ],
  ["statistics", () => client.query("analyze s.t")],
  [
    "settings of the session",
    () =>
      client.query(
        "set search_path = s, public; set quote_all_identifiers = on; set datestyle = 'German'; set timezone = 'Asia/Tokyo'",
      ),
  ],
])("%s: the same snapshot", async (_what, act) => {
  const before = await takeSnapshot(client);
  await act();
  expect(snapshotDifference(before, await takeSnapshot(client))).toBe("");
});

test("two databases of the same origin have one snapshot, which nothing of either is in", async () => {
  const [one, two] = [await testDatabase(), await testDatabase()];
  const text = snapshotText(await takeSnapshot(one.client));
  expect(snapshotText(await takeSnapshot(two.client))).toBe(text);
  expect(text).not.toMatch(/_p2\d\d\d_|test_[0-9a-f]{8}|graphile_migrate/);
  expect(text).toContain("policy tenant_floor on public.bookings\n  restrictive for all to public\n");
  expect(parseSnapshot(text)).toEqual(await takeSnapshot(one.client));
});

test("the command writes it, for some schemas, and says what is different from a file", async () => {
  const written = await harness(["snapshot", "--database-url", url, "--schema", "tenancy"]);
  expect(written).toMatchObject({ status: 0, stderr: "" });
  expect(written.stdout).toMatch(/^schema tenancy$/m);
  expect(written.stdout).not.toMatch(/^\S.* (s|public|pii)\./m);
  const file = join(temporaryFolder(), "before.txt");
  writeFileSync(file, written.stdout);
  const diff = ["snapshot", "--database-url", url, "--schema", "tenancy", "--diff", file];
  expect(await harness(diff)).toEqual({ status: 0, stdout: "", stderr: "" });
  await client.query("grant create on schema tenancy to authenticated");
  expect(await harness(diff)).toEqual({
    status: 1,
    stdout: "  schema tenancy\n+   grant CREATE to authenticated\n",
    stderr: "",
  });
  expect((await harness([...diff.slice(0, -1), "nowhere.txt"])).stderr).toContain("[no-snapshot]");
});

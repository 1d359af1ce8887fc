import { beforeAll, describe, expect, test } from "vitest";
import { installPack } from "../../harness/partitions/pack.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { testDatabase } from "../support/database.ts";
import { oldServer } from "./support/server.ts";

const old = await oldServer();
const usual = await testDatabase("empty");

describe.each([
  ["15", old],
  ["17", usual],
])("PostgreSQL %s", (_, { client, url }) => {
  beforeAll(async () => {
    await client.query("set timezone = 'UTC'");
    await installPack(client);
  });
  const all = async <T>(sql: string, values: unknown[] = []) => (await client.query(sql, values)).rows as T[];
  const fill = (table: string, from: string, upto: string) =>
    all<{ child: string }>("select partitions.fill($1, $2, $3)::text as child", [table, from, upto]);

  test.each([
    ["a statement in it", 'x"; drop table plain; --'],
    ["capitals and spaces", "My Events"],
    ["63 bytes", "e".repeat(63)],
    ["63 bytes of another alphabet", `${"ж".repeat(31)}x`],
    ["quotes of every kind", `it's "so" $$ %I \\ $1`],
  ])("a table whose name has %s", async (_, name) => {
    await client.query("create table if not exists plain (id int)");
    const table = `public.${client.escapeIdentifier(name)}`;
    await client.query(
      `create table ${table} (${client.escapeIdentifier(name)} timestamptz not null) partition by range (${client.escapeIdentifier(name)})`,
    );
    const made = [
      ...(await fill(table, "2026-12-01", "2027-01-01")),
      ...(await fill(table, "2027-01-01", "2027-02-01")),
    ];
    const names = await all<{ relname: string; bytes: number }>(
      "select c.relname, octet_length(c.relname) as bytes from partitions.children($1) as p join pg_class as c on c.oid = p.child",
      [table],
    );
    expect(made).toHaveLength(2);
    expect(names.map(({ relname }) => /p20(26_12|27_01)$/.test(relname))).toEqual([true, true]);
    expect(new Set(names.map(({ relname }) => relname)).size).toBe(2);
    expect(Math.max(...names.map(({ bytes }) => bytes))).toBeLessThanOrEqual(63);
    expect(await all("select to_regclass('plain')::text as there")).toEqual([{ there: "plain" }]);
    await client.query(`drop table ${table}`);
  });

  test("two long names that are the same once shortened", async () => {
    for (const end of ["a", "b"]) {
      const table = `"${"e".repeat(60)}${end}"`;
      await client.query(`create table ${table} (at date not null) partition by range (at)`);
      expect(await fill(table, "2026-12-01", "2027-01-01")).toHaveLength(1);
    }
  });

  test("a name that is taken: by a table, by a type, by a partition with other bounds", async () => {
    await client.query("create table taken (at date not null) partition by range (at)");
    await client.query("create table taken_p2026_12 (id int); create type taken_p2027_01 as enum ('x')");
    expect(await fill("taken", "2026-12-01", "2027-01-01")).toEqual([{ child: "taken_p2026_12_2" }]);
    expect(await fill("taken", "2027-01-01", "2027-02-01")).toEqual([{ child: "taken_p2027_01_2" }]);
  });

  test("bounds without end, and pieces of a period", async () => {
    await client.query("create table pieces (at timestamp not null) partition by range (at)");
    const one = async (from: string, upto: string) =>
      (
        await all<{ child: string }>("select partitions.create_child('pieces', $1, $2)::text as child", [
          from,
          upto,
        ])
      )[0]?.child;
    expect(await one("-infinity", "2026-01-01")).toBe("pieces_px_20260101");
    expect(await one("2026-01-10 12:30", "2026-02-01")).toBe("pieces_p20260110t123000_20260201");
    expect(await one("2030-01-01", "infinity")).toBe("pieces_p20300101_x");
    await expect(one("2026-01-31", "2026-03-01")).rejects.toMatchObject({ code: "42P17" });
    await expect(one("2027-01-01", "2027-01-01")).rejects.toMatchObject({ code: "22023" });
    await client.query("insert into pieces values ('1000-01-01'), ('2026-01-10 12:30'), ('9999-01-01')");
    await expect(client.query("insert into pieces values ('2026-01-10 12:29')")).rejects.toMatchObject({
      code: "23514",
    });
    expect(
      await all(
        "select upper(g) is null as open from (select tstzrange(starts_at, ends_at) as g from partitions.gaps('pieces', '-infinity', 'infinity')) as g",
      ),
    ).toHaveLength(2);
  });

  test("defaults, generated columns, checks, identity, indexes, keys, triggers, storage, replica identity", async () => {
    await client.query(`
    create table tags (id int primary key);
    create function stamp() returns trigger language plpgsql as $$ begin new.note := 'stamped'; return new; end $$;
    create table rich (
      id bigint generated always as identity, at timestamptz not null, gone int, tag int references tags, price int not null check (price > 0),
      gross int generated always as (price * 2) stored, note text default 'none', primary key (id, at)
    ) partition by range (at);
    alter table rich drop column gone, alter column note set storage external;
    create index on rich (tag) where price > 1;
    create trigger stamp before insert on rich for each row execute function stamp();
    create unique index rich_identity on rich (id, at) include (price);
    alter table rich replica identity full;
    create table first partition of rich for values from ('2026-11-01') to ('2026-12-01') with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
    insert into tags values (1)`);
    const [made] = await fill("rich", "2026-12-01", "2027-01-01");
    const child = made?.child ?? "";
    await client.query("insert into rich (at, tag, price) values ('2026-12-24', 1, 5), ('2026-11-24', 1, 5)");
    expect(await all(`select id, gross, note from ${child}`)).toEqual([
      { id: "1", gross: 10, note: "stamped" },
    ]);
    await expect(client.query("insert into rich (at, price) values ('2026-12-24', 0)")).rejects.toMatchObject(
      {
        code: "23514",
      },
    );
    await expect(
      client.query("insert into rich (at, tag, price) values ('2026-12-24', 2, 1)"),
    ).rejects.toMatchObject({ code: "23503" });
    expect(
      await all("select reloptions, relreplident from pg_class where oid = $1::regclass", [child]),
    ).toEqual([{ reloptions: ["fillfactor=50", "autovacuum_vacuum_scale_factor=0.02"], relreplident: "f" }]);
    // every index of the parent has its part
    expect(
      await all(
        `select count(*)::int as missing from pg_index as i where i.indrelid = 'rich'::regclass and not exists (
         select from pg_inherits as h join pg_index as below on below.indexrelid = h.inhrelid where h.inhparent = i.indexrelid and below.indrelid = $1::regclass and below.indisvalid)`,
        [child],
      ),
    ).toEqual([{ missing: 0 }]);
    await client.query("alter table rich replica identity using index rich_pkey");
    const [next] = await fill("rich", "2027-01-01", "2027-02-01");
    expect(
      await all(
        "select i.indexrelid::regclass::text as index from pg_index as i where i.indrelid = $1::regclass and i.indisreplident",
        [next?.child],
      ),
    ).toEqual([{ index: `${next?.child}_pkey` }]);
  });

  test("partitions that are partitioned themselves: by list and hash as their sibling is", async () => {
    await client.query(`
    create table tree (at date not null, region text not null) partition by range (at);
    alter table tree enable row level security, force row level security;
    create policy p on tree using (region <> 'x');
    create table tree_first partition of tree for values from ('2026-11-01') to ('2026-12-01') partition by list (region);
    create table tree_first_eu partition of tree_first for values in ('de', 'ch');
    create table "other NAME" partition of tree_first default`);
    const made = await fill("tree", "2026-12-01", "2027-01-01");
    expect(made).toEqual([{ child: "tree_p2026_12" }]);
    await client.query("insert into tree values ('2026-12-05', 'ch'), ('2026-12-05', 'br')");
    const leaves = await all<{ leaf: string; enabled: boolean; policies: number }>(
      `select c.relname as leaf, c.relrowsecurity and c.relforcerowsecurity as enabled, (select count(*)::int from pg_policy where polrelid = c.oid) as policies
       from pg_partition_tree('tree_p2026_12') as t join pg_class as c on c.oid = t.relid order by 1`,
    );
    expect(leaves).toEqual([
      { leaf: "tree_p2026_12", enabled: true, policies: 1 },
      { leaf: "tree_p2026_12_1", enabled: true, policies: 1 },
      { leaf: "tree_p2026_12_eu", enabled: true, policies: 1 },
    ]);
    await client.query(`
    create table deep (at date not null, day date not null) partition by range (at);
    create table deep_first partition of deep for values from ('2026-11-01') to ('2026-12-01') partition by range (day)`);
    await expect(fill("deep", "2026-12-01", "2027-01-01")).rejects.toThrow(/partitioned by range themselves/);
  });

  test("a year of months needs months for its own year only", async () => {
    const [now] = await all<{ year: number }>("select extract(year from now())::int as year");
    const year = now?.year ?? 0;
    await client.query(`
    create table years (at date not null) partition by range (at);
    create table years_now partition of years for values from ('${year}-01-01') to ('${year + 1}-01-01') partition by range (at);
    create table years_past partition of years for values from ('${year - 1}-01-01') to ('${year}-01-01') partition by range (at)`);
    await client.query(
      "select partitions.manage('years_now', 'month', premake => 30); select partitions.ensure('years_now')",
    );
    const [row] = await all<{ last: Date }>(
      "select max(ends_at) as last from partitions.children('years_now')",
    );
    expect(row?.last.toISOString()).toBe(`${year + 1}-01-01T00:00:00.000Z`);
    expect(await all("select partitions.ensure('years_now')")).toEqual([]);
    await client.query("select partitions.manage('years_past', 'month')");
    expect(await all("select partitions.missing('years_past')")).toEqual([]);
  });

  test("the parent is never locked against readers and writers", async () => {
    await client.query(`
    create table up (id int primary key);
    create table busy (id int, up int references up, at timestamptz not null, primary key (id, at)) partition by range (at);
    create table below (id int, at timestamptz, foreign key (id, at) references busy)`);
    await fill("busy", "2026-11-01", "2026-12-01");
    const writer = await connect(url, { purpose: "test" });
    await client.query("begin");
    await fill("busy", "2026-12-01", "2027-01-01");
    const modes = await all<{ name: string; mode: string }>(
      `select relation::regclass::text as name, mode from pg_locks
      where pid = pg_backend_pid() and relation = any ('{busy,up,below}'::regclass[]) and mode not in ('AccessShareLock', 'RowShareLock') order by 1`,
    );
    // Not committed yet, and everybody goes on reading and writing the parent.
    await writer.query("set lock_timeout = '5s'");
    await writer.query(
      "insert into busy values (1, null, '2026-11-05'); update busy set at = '2026-11-06'; select * from busy",
    );
    await client.query("commit");
    await writer.end();
    // Referenced tables: their writers wait until it is committed, which is why each partition has a transaction of its own.
    expect(modes).toEqual([
      { name: "below", mode: "ShareRowExclusiveLock" },
      { name: "busy", mode: "ShareUpdateExclusiveLock" },
      { name: "up", mode: "ShareRowExclusiveLock" },
    ]);
  });
});

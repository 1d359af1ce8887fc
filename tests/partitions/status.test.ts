import { describe, expect, test } from "vitest";
import type { PartitionedTable } from "../../harness/partitions/status.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { month, oldServer, partitionOf, suffix } from "./support/server.ts";

// A database that has never heard of harness, on the oldest server at hand and on the one that is usual. A role that may only read looks at it.
const old = await oldServer();
const usual = await testDatabase("empty");

const tables = `
  create table sound (id int, at timestamptz not null) partition by range (at);
  ${[-1, 0, 1, 2, 3].map((n) => partitionOf("sound", n)).join("\n")}
  insert into sound select n, now() from generate_series(1, 1000) as n;
  analyze sound;
  create table late (at date not null) partition by range (at);
  ${partitionOf("late", 0)} ${partitionOf("late", 1)}
  create table past (at timestamp not null) partition by range (at);
  ${partitionOf("past", -3)} ${partitionOf("past", -2)}
  create table holed (at date not null) partition by range (at);
  ${[-3, 0, 1, 2].map((n) => partitionOf("holed", n)).join("\n")}
  create table catching (at date not null) partition by range (at);
  ${[0, 1, 2].map((n) => partitionOf("catching", n)).join("\n")}
  create table catching_rest partition of catching default;
  insert into catching values ('1999-01-01');
  create table clean (at date not null) partition by range (at);
  ${[0, 1, 2].map((n) => partitionOf("clean", n)).join("\n")}
  create table clean_rest partition of clean default;
  create table "Open; --" (at date not null, tenant text) partition by range (at);
  ${[0, 1, 2].map((n) => partitionOf('"Open; --"', n).replace(/"Open; --"_(\S+)/, '"Open; --_$1"')).join("\n")}
  alter table "Open; --" enable row level security, force row level security;
  create policy own on "Open; --" using (tenant = current_user);
  create table endless (at date not null) partition by range (at);
  create table endless_all partition of endless for values from (minvalue) to (maxvalue);
  create table empty (at timestamptz not null) partition by range (at);
  create table weeks (at timestamptz not null) partition by range (at);
  create table by_number (id int) partition by range (id);
  create table plain (at date);
`;

describe.each([
  ["15", old],
  ["17", usual],
])("PostgreSQL %s", (_, { client, url }) => {
  const status = async (...args: string[]) => {
    const answer = await harness(["partitions", "status", ...args, "--json", "--database-url", url]);
    return { ...answer, tables: JSON.parse(answer.stdout || "{}").tables as PartitionedTable[] };
  };

  test("every table, and what of it needs attention", async () => {
    await client.query(tables);
    for (let n = 0; n < 5; n++) {
      await client.query(
        `do $$ begin execute format('create table weeks_${n} partition of weeks for values from (%L) to (%L)',
           date_trunc('week', now() at time zone 'UTC') + ${n} * interval '7 days', date_trunc('week', now() at time zone 'UTC') + ${n + 1} * interval '7 days'); end $$`,
      );
    }
    await client.query(
      "alter database current_database_name set default_transaction_read_only = on".replace(
        "current_database_name",
        `"${(await client.query("select current_database() as d")).rows[0].d}"`,
      ),
    );
    const { status: exit, tables: found, stderr } = await status();
    expect({ exit, stderr }).toEqual({ exit: 1, stderr: "" });
    const short = found.map((t) => [t.table, t.period, t.partitions, t.periodsLeft, t.problems.join(" ")]);
    expect(short).toEqual([
      ['public."Open; --"', "month", 3, 2, "not-isolated"],
      ["public.catching", "month", 4, 2, "default-has-rows"],
      ["public.clean", "month", 4, 2, ""],
      ["public.empty", null, 0, null, "now-not-covered"],
      ["public.endless", null, 1, null, ""],
      ["public.holed", "month", 4, 2, "gap"],
      ["public.late", "month", 2, 1, "running-out"],
      ["public.past", "month", 2, null, "now-not-covered"],
      ["public.sound", "month", 5, 3, ""],
      ["public.weeks", "week", 5, 4, ""],
    ]);
    const of = (name: string) => found.find(({ table }) => table === name);
    expect(of("public.holed")?.gaps).toEqual([
      { from: `${month(-2)}T00:00:00+00:00`, upto: `${month(0)}T00:00:00+00:00` },
    ]);
    expect(of('public."Open; --"')?.differing.map(({ what }) => what)).toEqual(
      Array(3).fill(["row security", "policies"]),
    );
    expect(of("public.sound")).toMatchObject({
      rows: 1000,
      managed: false,
      key: "at",
      nowCovered: true,
      differing: [],
      upto: `${month(4)}T00:00:00+00:00`,
    });
    expect(of("public.sound")?.bytes).toBeGreaterThan(8192);
  });

  test("for people, within 80 columns", async () => {
    const { stdout, status: exit } = await harness(["partitions", "status", "--database-url", url]);
    expect(exit).toBe(1);
    expect(stdout).toMatch(/^table +period +parts +until +left +rows +size$/m);
    expect(stdout).toMatch(/^public\.sound +month +5 +\S+ +3 +1\.0k +/m);
    expect(stdout).toContain("public.late: 1 partition is left, until");
    expect(stdout).toMatch(/public\.past: no partition is for now/);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    const one = await harness(["partitions", "status", "sound", "--database-url", url]);
    expect(one.status).toBe(0);
    expect(one.stdout).toContain("not kept up: harness partitions ensure TABLE");
    const hostile = await harness(["partitions", "status", 'public."Open; --"', "--database-url", url]);
    expect(hostile.stdout).toContain("not isolated like their parent");
  });

  test("nothing was installed or changed", async () => {
    expect((await client.query("select to_regnamespace('partitions') as schema")).rows).toEqual([
      { schema: null },
    ]);
    await client.query("set default_transaction_read_only = off");
  });

  test("what is no such table is told in one line", async () => {
    const code = async (table: string) => /\[([a-z-]+)\]\n$/.exec((await status(table)).stderr)?.[1];
    expect(await code("nowhere")).toBe("unknown-table");
    expect(await code("a.b.c.d")).toBe("unknown-table");
    expect(await code('"')).toBe("unknown-table");
    expect(await code("plain")).toBe("not-partitioned-by-time");
    expect(await code("by_number")).toBe("not-partitioned-by-time");
  });
});

test("isolation: what is granted on a partition counts, and only what its parent does not give where there is no row security", async () => {
  const { client, url } = usual;
  await client.query(`
    create table granted (at date not null) partition by range (at);
    ${[0, 1, 2].map((n) => partitionOf("granted", n)).join("\n")}
    grant select on granted, granted_${suffix(0)} to public;
    grant select (at) on granted_${suffix(1)} to public;
    grant delete on granted_${suffix(2)} to public;
    create table sealed (at date not null) partition by range (at);
    ${[0, 1, 2].map((n) => partitionOf("sealed", n)).join("\n")}
    grant select on sealed, sealed_${suffix(0)} to public;
    alter table sealed enable row level security;
    alter table sealed_${suffix(0)} enable row level security;
    alter table sealed_${suffix(1)} enable row level security;
    alter table sealed_${suffix(2)} enable row level security, force row level security;`);
  const differing = async (table: string) =>
    (
      JSON.parse((await harness(["partitions", "status", table, "--json", "--database-url", url])).stdout)
        .tables[0] as PartitionedTable
    ).differing;
  expect(await differing("granted")).toEqual([
    { child: `public.granted_${suffix(2)}`, what: ["privileges"] },
  ]);
  expect(await differing("sealed")).toEqual([
    { child: `public.sealed_${suffix(0)}`, what: ["privileges"] },
    { child: `public.sealed_${suffix(2)}`, what: ["row security"] },
  ]);
});

test("a policy with a subquery is the same on a partition of another name", async () => {
  const { client, url } = usual;
  await client.query(`
    create table member (tenant text);
    create table looked_up (at date not null, tenant text) partition by range (at);
    ${[0, 1, 2].map((n) => partitionOf("looked_up", n)).join("\n")}
    alter table looked_up enable row level security;
    create policy p on looked_up using (exists (select from member m where m.tenant = looked_up.tenant and 'looked_up.x' <> 'y'));
    ${[0, 1].map((n) => `alter table looked_up_${suffix(n)} enable row level security; create policy p on looked_up_${suffix(n)} using (exists (select from member m where m.tenant = looked_up_${suffix(n)}.tenant and 'looked_up.x' <> 'y'));`).join("\n")}
    alter table looked_up_${suffix(2)} enable row level security;
    create policy p on looked_up_${suffix(2)} using (exists (select from member m where m.tenant <> looked_up_${suffix(2)}.tenant and 'looked_up.x' <> 'y'));`);
  const { stdout } = await harness(["partitions", "status", "looked_up", "--json", "--database-url", url]);
  expect(JSON.parse(stdout).tables[0].differing).toEqual([
    { child: `public.looked_up_${suffix(2)}`, what: ["policies"] },
  ]);
});

test("a partition that is half detached", async () => {
  const { client, url } = usual;
  await client.query(
    `create table halved (at date not null) partition by range (at); ${[-1, 0, 1, 2].map((n) => partitionOf("halved", n)).join("\n")}`,
  );
  const { connect } = await import("../../harness/targets/session/connection.ts");
  const reader = await connect(url, { purpose: "test" });
  await reader.query("begin isolation level repeatable read; select * from halved");
  await client.query("set lock_timeout = '100ms'");
  await expect(
    client.query(`alter table halved detach partition halved_${suffix(-1)} concurrently`),
  ).rejects.toMatchObject({ code: "55P03" });
  await client.query("reset lock_timeout");
  const { stdout, status: exit } = await harness(["partitions", "status", "halved", "--database-url", url]);
  expect(exit).toBe(1);
  expect(stdout.replace(/\s+/g, " ")).toContain(
    `half detached: public.halved_${suffix(-1)}; harness partitions prune finishes`,
  );
  await reader.end();
});

import { beforeEach, describe, expect, test } from "vitest";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { installPartitions, removePartitions } from "./support/stepwise.ts";

// Partitioned tables that refer to one another, and expire together.
const { client, url } = await testDatabase("empty");
const maintain = () => harness(["partitions", "maintain", "--database-url", url]);

/** Each named table, by month, with its columns besides id and at, and a partition long expired. */
async function create(tables: Record<string, string>, expired = "drop"): Promise<void> {
  const names = Object.keys(tables);
  for (const name of names) {
    await client.query(`
      create table public.${name} (id integer not null, at date not null, other integer, primary key (id, at) ${tables[name]}) partition by range (at);
      create table public.${name}_old partition of public.${name} for values from ('2020-01-01') to ('2020-02-01');
      select partitions.manage('public.${name}', 'month', 'UTC', 1, '1 year', '${expired}')`);
  }
}

beforeEach(async () => {
  await removePartitions(client);
  const { rows } = await client.query(
    "select coalesce(string_agg(format('drop table if exists %s cascade', oid::regclass), ';' order by oid), 'select') as drop from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace in (select oid from pg_namespace where nspname in ('public', 'archive'))",
  );
  await client.query(rows[0].drop);
  await installPartitions(client);
});

const to = (table: string) => `, foreign key (other, at) references public.${table} (id, at)`;
const left = async () =>
  (
    await client.query(
      "select relname from pg_class where relname like '%\\_old' and relkind = 'r' order by 1",
    )
  ).rows.map(({ relname }) => relname);

test("a table that refers to another goes first, whatever their names: all in one run", async () => {
  // alphabetically head < line, and neither order of names is that of the keys
  await create({ head: "", line: to("head"), a_part: to("line"), zone: to("head") });
  for (const name of ["head", "line", "a_part", "zone"])
    await client.query(`insert into public.${name} values (1, '2020-01-15', 1)`);
  const { status, stdout } = await maintain();
  expect({ status, left: await left() }).toEqual({ status: 0, left: [] });
  const order = [...stdout.matchAll(/public\.(\w+)_old dropped/g)].map(([, name]) => name);
  expect(order.indexOf("a_part")).toBeLessThan(order.indexOf("line"));
  expect(order.indexOf("line")).toBeLessThan(order.indexOf("head"));
  expect(order.indexOf("zone")).toBeLessThan(order.indexOf("head"));
});

describe("what cannot go says why and what to do, and keeps nobody else", () => {
  test("rows of one partition that refer to one another", async () => {
    await create({ tree: to("tree"), zebra: "" });
    await client.query("insert into public.tree values (1, '2020-01-15', null), (2, '2020-01-15', 1)");
    const { status, stdout } = await maintain();
    expect({ status, left: await left() }).toEqual({ status: 1, left: ["tree_old"] });
    expect(stdout).toMatch(
      /tree_old failed, rows of this partition refer to one another, by tree_other_at_fkey\d*, .*set other, at to NULL in them/,
    );
    await client.query("update public.tree_old set other = null");
    expect((await maintain()).status).toBe(0);
    expect(await left()).toEqual([]);
  });

  test("tables that refer to each other in a circle", async () => {
    await create({ cause: "", effect: to("cause") });
    await client.query(
      "alter table public.cause add foreign key (other, at) references public.effect (id, at)",
    );
    await client.query("insert into public.cause values (1, '2020-01-15', null)");
    await client.query("insert into public.effect values (1, '2020-01-15', 1)");
    await client.query("update public.cause set other = 1");
    const { status, stdout } = await maintain();
    expect({ status, left: await left() }).toEqual({ status: 1, left: ["cause_old", "effect_old"] });
    expect(stdout).toMatch(/cause_old failed, rows of other tables refer to rows in it \(public\.effect/);
  });

  test("a partition that was kept as a table keeps its foreign key", async () => {
    await create({ head: "", line: to("head") }, "archive");
    await client.query("insert into public.head values (1, '2020-01-15')");
    await client.query("insert into public.line values (1, '2020-01-15', 1)");
    const { status, stdout } = await maintain();
    expect(status).toBe(1);
    const [, mend = ""] = /(alter table archive\.line_old drop constraint \w+)/.exec(stdout) ?? [];
    expect(mend).not.toBe("");
    await client.query(mend);
    expect((await maintain()).status).toBe(0);
  });
});

test("references to nobody's rows, by NULL, are in nobody's way", async () => {
  await create({ tree: to("tree"), head: "", line: to("head") });
  await client.query("insert into public.tree values (1, '2020-01-15', null)");
  await client.query("insert into public.line values (1, '2020-01-15', null)");
  expect((await maintain()).status).toBe(0);
  expect(await left()).toEqual([]);
});

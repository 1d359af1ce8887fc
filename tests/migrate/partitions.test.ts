import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "pg";
import { afterAll, expect, test } from "vitest";
import { urlOf } from "../../harness/commands/migrated-template.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { connect } from "../../harness/database/connection.ts";
import { createDatabase } from "../../harness/database/databases.ts";
import { createThrowawayBranch } from "../../harness/local/throwaway.ts";
import { applyMigrations } from "../../harness/migrate/apply.ts";
import { migrationStatus } from "../../harness/migrate/ledger.ts";
import { applySetup } from "../../harness/setup/setup.ts";
import { job } from "../outbox/support/outbox.ts";

// A platform from before partitions, with rows in it, on a server where row security binds the owner.
const server = await createThrowawayBranch({ flavor: "plain" });
const before = mkdtempSync(join(tmpdir(), "harness-before-"));
cpSync(join(packageRoot, ".gmrc"), join(before, ".gmrc"));
cpSync(join(packageRoot, "current.sql"), join(before, "current.sql"));
cpSync(join(packageRoot, "migrations", "committed"), join(before, "migrations", "committed"), {
  recursive: true,
  filter: (path) => !/0000(2\d|3\d)-/.test(path),
});
const clients: Client[] = [];
afterAll(async () => {
  for (const client of clients) await client.end();
  await server.stop();
  rmSync(before, { recursive: true });
});

async function platformOfBefore(name: string): Promise<{ client: Client; url: string }> {
  const admin = await connect(server.ownerUrl, { purpose: "test" });
  await createDatabase(admin, name);
  await admin.end();
  const url = urlOf(server.ownerUrl, name);
  const client = await connect(url, { purpose: "test" });
  clients.push(client);
  await applySetup(client);
  await applyMigrations(client, { root: before, url });
  expect(await kinds(client)).toEqual([]);
  await job(client, () => client.query(rows));
  return { client, url };
}

/** Two restaurants with bookings, holds and events of some months; the assignments of one stand on the wrong date. */
const rows = `
  insert into public.restaurants (id, name, time_zone, currency)
  select md5('r' || n)::uuid, 'R' || n, 'UTC', 'EUR' from generate_series(1, 2) as n;
  insert into public.restaurant_tables (restaurant_id, id, label, max_covers)
  select r.id, md5(r.id || ' ' || n)::uuid, n, 4 from public.restaurants as r, generate_series(1, 2) as n;
  insert into public.bookings (restaurant_id, id, reference, party_size, booking_date, starts_at, ends_at)
  select r.id, md5(r.id || ' booking ' || n)::uuid, 'B' || n, 2, current_date - 30 * n, now() - n * interval '30 days', now() - n * interval '30 days' + interval '2 hours'
  from public.restaurants as r, generate_series(-5, 5) as n;
  insert into public.booking_table_assignments (restaurant_id, booking_id, table_id, booking_date, starts_at, ends_at, idempotency_key)
  select b.restaurant_id, b.id, t.id, b.booking_date - case when b.restaurant_id = md5('r1')::uuid then 45 else 0 end, b.starts_at, b.ends_at, b.reference
  from public.bookings as b join public.restaurant_tables as t using (restaurant_id);
  insert into public.table_holds (restaurant_id, id, idempotency_key, booking_date, starts_at, ends_at, expires_at, created_at)
  select r.id, md5(r.id || ' hold ' || n)::uuid, 'H' || n, current_date, now(), now() + interval '1 hour', now() + interval '1 hour', now() - n * interval '20 days'
  from public.restaurants as r, generate_series(0, 9) as n;
  insert into public.table_hold_members select h.restaurant_id, h.id, t.id from public.table_holds as h join public.restaurant_tables as t using (restaurant_id);
  insert into public.allocations (restaurant_id, table_id, hold_id, starts_at, ends_at)
  select m.restaurant_id, m.table_id, m.hold_id, now() + x * interval '1 hour', now() + (x + 1) * interval '1 hour'
  from (select *, row_number() over () as x from public.table_hold_members) as m;
  insert into public.analytics_events (restaurant_id, event_name, occurred_at, created_at)
  select r.id, 'visit', now(), now() - n * interval '1 day' from public.restaurants as r, generate_series(0, 99) as n;
  insert into public.observability_events (restaurant_id, source, event_type, severity, created_at)
  select r.id, 's', 'e', 'info', now() - n * interval '1 day' from public.restaurants as r, generate_series(0, 99) as n;
  insert into public.capacity_outbox (restaurant_id, event_type, idempotency_key, status, finished_at)
  select r.id, 'e', n, 'done', now() - n * interval '30 days' from public.restaurants as r, generate_series(0, 9) as n`;

const tables = [
  "booking_table_assignments",
  "table_holds",
  "table_hold_members",
  "allocations",
  "analytics_events",
  "observability_events",
  "capacity_outbox",
];
const contents = (client: Client) =>
  job(client, async () => {
    const found: Record<string, unknown> = {};
    for (const table of tables) {
      const { rows: answer } = await client.query(
        `select count(*)::int as rows, md5(string_agg(md5((to_jsonb(t) - 'booking_date')::text), '' order by md5((to_jsonb(t) - 'booking_date')::text))) as hash from public.${table} as t`,
      );
      found[table] = answer[0];
    }
    return found;
  });
const kinds = async (client: Client): Promise<string[]> => {
  const { rows: answer } = await client.query(
    "select relname from pg_class where relkind = 'p' and relnamespace = 'public'::regnamespace order by 1",
  );
  return answer.map(({ relname }) => relname);
};
const partitioned = [
  "analytics_events",
  "booking_table_assignments",
  "capacity_outbox_archive",
  "observability_events",
  "table_holds",
];

test("a platform with rows is migrated: nothing is lost, and what stood on a wrong date is mended", async () => {
  const { client, url } = await platformOfBefore("upgraded");
  const was = await contents(client);
  await applyMigrations(client, { root: packageRoot, url });

  expect(await contents(client)).toEqual(was);
  expect(await kinds(client)).toEqual(partitioned);
  const { rows: answer } = await job(client, () =>
    client.query(`
      select
        (select count(*)::int from public.booking_table_assignments as a join public.bookings as b on b.restaurant_id = a.restaurant_id and b.id = a.booking_id
          where a.booking_date <> b.booking_date) as wrong_dates,
        (select count(*)::int from public.table_hold_keys as k join public.table_holds as h
          on h.restaurant_id = k.restaurant_id and h.id = k.hold_id and h.created_at = k.hold_created_at and h.idempotency_key = k.idempotency_key) as keys,
        outbox.archive()::int as archived`),
  );
  expect(answer).toEqual([{ wrong_dates: 0, keys: 20, archived: 18 }]);
  // Identity goes on where it was.
  const { rows: next } = await job(client, () =>
    client.query(
      "insert into public.analytics_events (restaurant_id, event_name, occurred_at) values (md5('r1')::uuid, 'visit', now()) returning id::int > 200 as later",
    ),
  );
  expect(next).toEqual([{ later: true }]);
}, 120_000);

test("a large table is refused with the command that converts it; what came before stays, and apply goes on afterwards", async () => {
  const { client, url } = await platformOfBefore("large");
  await job(client, () =>
    client.query(
      "insert into public.analytics_events (restaurant_id, event_name, occurred_at) select md5('r1')::uuid, 'visit', now() from generate_series(1, 100001)",
    ),
  );
  const was = await contents(client);
  await expect(applyMigrations(client, { root: packageRoot, url })).rejects.toMatchObject({
    code: "migration-failed",
    hint: expect.stringContaining(
      "harness partitions convert public.analytics_events --key created_at --period month",
    ),
  });
  expect(await contents(client)).toEqual(was);
  expect(await kinds(client)).toEqual(
    partitioned.filter((name) => !name.endsWith("y_events") && !name.startsWith("analytics")),
  );

  // What the command does, in one go.
  await client.query(
    "select partitions.rebuild('public.analytics_events', 'created_at', 'month', max_rows => 1000000)",
  );
  await applyMigrations(client, { root: packageRoot, url });
  expect(await contents(client)).toEqual(was);
  expect(await kinds(client)).toEqual(partitioned);
  const states = (await migrationStatus(client, packageRoot)).map(({ state }) => state);
  expect(new Set(states)).toEqual(new Set(["applied"]));
}, 120_000);

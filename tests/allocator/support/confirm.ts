import { randomUUID } from "node:crypto";
import type { Client, PoolClient } from "pg";
import { Pool } from "pg";
import { afterAll } from "vitest";
import { job } from "../../outbox/support/outbox.ts";

export interface Answer {
  assignment_ids: string[];
  allocation_ids: string[];
  ledger_entries: { id: number; table_id: string; event_id: number | null }[];
  outbox_events: { id: number; queue: string }[];
}

export interface Request {
  tenant: string;
  booking: string;
  holds: string[];
  key: string;
}

export function poolOf(url: string, connections: number): Pool {
  const pool = new Pool({ connectionString: url, max: connections });
  // The drop of the database may overtake a connection that is closing, and nobody is left to hear of it.
  pool.on("error", () => undefined);
  afterAll(() => pool.end());
  return pool;
}

/** Tables of a tenant, in the order asked for. */
export async function addTables(client: Client, tenant: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  await job(client, () =>
    client.query(
      "insert into public.restaurant_tables (restaurant_id, id, label, max_covers) select $1, id, id::text, 4 from unnest($2::uuid[]) as id",
      [tenant, ids],
    ),
  );
  return ids;
}

/** Bookings for two hours from the hour on. */
export async function addBookings(
  client: Client,
  tenant: string,
  count: number,
  hour = 19,
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  await job(client, () =>
    client.query(
      `insert into public.bookings (restaurant_id, id, reference, party_size, booking_date, starts_at, ends_at)
       select $1, id, id::text, 2, '2030-01-01', t.s, t.s + interval '2 hours'
       from unnest($2::uuid[]) as id, (select timestamptz '2030-01-01 00:00Z' + make_interval(hours => $3)) as t (s)`,
      [tenant, ids, hour],
    ),
  );
  return ids;
}

/** A hold on each of the tables for three hours from the hour on; not allocated: its table may be taken by others too. */
export async function addHolds(
  client: Client,
  tenant: string,
  tables: string[],
  options: { hour?: number; allocated?: boolean } = {},
): Promise<string[]> {
  const ids = tables.map(() => randomUUID());
  await job(client, () =>
    client.query(
      `with wanted as (
         select h.id, h.table_id, t.s as starts_at, t.s + interval '3 hours' as ends_at
         from unnest($2::uuid[], $3::uuid[]) as h (id, table_id), (select timestamptz '2030-01-01 00:00Z' + make_interval(hours => $4)) as t (s)
       ),
       holds as (
         insert into public.table_holds (restaurant_id, id, booking_date, starts_at, ends_at, expires_at)
         select $1, id, '2030-01-01', starts_at, ends_at, now() + interval '1 hour' from wanted
       ),
       members as (
         insert into public.table_hold_members (restaurant_id, hold_id, table_id) select $1, id, table_id from wanted
       )
       insert into public.allocations (restaurant_id, table_id, hold_id, starts_at, ends_at)
       select $1, table_id, id, starts_at, ends_at from wanted where $5`,
      [tenant, ids, tables, options.hour ?? 18, options.allocated ?? true],
    ),
  );
  return ids;
}

/** What a tenant does in a transaction of its own. */
export async function asTenant<T>(
  pool: Pool,
  tenant: string,
  work: (client: PoolClient) => Promise<T>,
  begin = "begin",
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(begin);
    await client.query(
      "select set_config('role', 'authenticated', true), set_config('app.restaurant_id', $1, true)",
      [tenant],
    );
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

/** The call as a Data API makes it: the body of the request is one JSON parameter. */
export async function call(client: Client | PoolClient, { booking, holds, key }: Request): Promise<Answer> {
  const { rows } = await client.query(
    `select answer
     from json_to_record($1) as body (booking_id uuid, hold_ids uuid[], idempotency_key text),
       lateral public.confirm_hold_assignment_tx(
         booking_id := body.booking_id, hold_ids := body.hold_ids, idempotency_key := body.idempotency_key) as answer`,
    [JSON.stringify({ booking_id: booking, hold_ids: holds, idempotency_key: key })],
  );
  return rows[0].answer;
}

export const confirm = (pool: Pool, request: Request) =>
  asTenant(pool, request.tenant, (client) => call(client, request));

/** The answer, or the SQLSTATE of the error. */
export function outcome(answer: Promise<Answer>): Promise<Answer | string> {
  return answer.catch((error: { code?: string }) => {
    if (!error.code) throw error;
    return error.code;
  });
}

/** How many rows of each kind the confirmations of a tenant have left. */
export async function leftBehind(client: Client, tenant: string): Promise<Record<string, number>> {
  const { rows } = await job(client, () =>
    client.query(
      `select
         (select count(*)::int from public.booking_table_assignments where restaurant_id = $1) as assignments,
         (select count(*)::int from public.allocations where restaurant_id = $1 and booking_id is not null) as allocations,
         (select count(*)::int from public.allocation_ledger where restaurant_id = $1) as ledger,
         (select count(*)::int from public.capacity_outbox where restaurant_id = $1) as events,
         (select count(*)::int from public.confirmations where restaurant_id = $1) as answers,
         (select count(*)::int from public.table_holds where restaurant_id = $1 and status = 'confirmed') as holds`,
      [tenant],
    ),
  );
  return rows[0];
}

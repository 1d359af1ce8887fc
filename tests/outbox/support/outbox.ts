import { randomUUID } from "node:crypto";
import type { Client } from "pg";
import { asJob } from "../../../harness/client/background-job.ts";

export const job = <T>(client: Client, work: () => Promise<T>) => asJob(client, "test", work);

/** New tenants, in the order of their ids. */
export async function addTenants(client: Client, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID()).sort();
  await job(client, () =>
    client.query(
      "insert into public.restaurants (id, name, time_zone, currency) select unnest($1::uuid[]), 'R', 'UTC', 'EUR'",
      [ids],
    ),
  );
  return ids;
}

/** Events that are due, each with its number in the payload; one statement, so that all have been added at once. */
export async function addEvents(client: Client, tenant: string, count: number, payload = {}): Promise<void> {
  await job(client, () =>
    client.query(
      `insert into public.capacity_outbox (restaurant_id, event_type, payload, dedupe_key)
       select $1, 'capacity.taken', $3::jsonb || jsonb_build_object('n', n), gen_random_uuid()::text from generate_series(1, $2) as n`,
      [tenant, count, JSON.stringify(payload)],
    ),
  );
}

/** How many events there are of each status. */
export async function statuses(client: Client): Promise<Record<string, number>> {
  const { rows } = await job(client, () =>
    client.query("select status, count(*)::int as events from public.capacity_outbox group by status"),
  );
  return Object.fromEntries(rows.map(({ status, events }) => [status, events]));
}

export async function value(client: Client, expression: string): Promise<unknown> {
  const { rows } = await job(client, () =>
    client.query(`select ${expression} as value from public.capacity_outbox`),
  );
  return rows[0]?.value;
}

export async function clear(client: Client): Promise<void> {
  await job(client, () => client.query("delete from public.capacity_outbox"));
}

/** Asks again and again; fails after so long with the last answer. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  good: (answer: T) => boolean,
  timeoutMs = 60_000,
): Promise<T> {
  const started = performance.now();
  for (;;) {
    const answer = await ask();
    if (good(answer)) return answer;
    if (performance.now() - started > timeoutMs)
      throw new Error(`waited in vain until ${what}: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

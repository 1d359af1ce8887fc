import type { Client, Pool } from "pg";
import type PgBoss from "pg-boss";
import { readSqlFile } from "../../../sql/sql-file.ts";
import type { ScratchDatabase } from "../../scenario.ts";

/** Milliseconds of claims of 100. */
export interface Churned {
  first: number[];
  last: number[];
  /** Medians of each tenth of the run. */
  tenths: number[];
}

export interface State {
  database: ScratchDatabase;
  client: Client;
  quick: boolean;
  /** By name: queues that have been made. */
  queues: Set<string>;
  churned: Map<string, Churned>;
  /** What peers work on, once one is measured. */
  pool?: Pool;
  boss?: PgBoss;
}

/** `plan`: the plan's two indexes; `fair`: a registered queue. */
export type Design = "plan" | "fair";

const prefixOf = (design: Design) => (design === "plan" ? "by_status" : "by_tenant");

/** Makes a queue of so many events if it is not there yet, and says its name. */
export async function queueOf(state: State, design: Design, rows: number, suffix = ""): Promise<string> {
  const { client, queues, quick } = state;
  const events = quick ? Math.min(rows, 5_000) : rows;
  const name = `${prefixOf(design)}_${rows}${suffix}`;
  if (queues.has(name)) return `bench.${name}`;
  await client.query(
    "select set_config('bench.queue', $1, false), set_config('bench.rows', $2, false), set_config('bench.design', $3, false)",
    [name, String(events), design],
  );
  await client.query("set statement_timeout = 0");
  await client.query(readSqlFile("harness/bench/scenarios/outbox.sql").text);
  await client.query(`vacuum (analyze) bench.${name}`);
  queues.add(name);
  return `bench.${name}`;
}

/** Begins a transaction as a job, or as a tenant. */
export async function enter(
  client: Client,
  role: "app_background" | "authenticated",
  tenant = "",
): Promise<void> {
  await client.query("begin");
  await client.query(
    `select set_config('app.job', 'bench', true), set_config('role', $1, true),
            set_config('app.restaurant_id', case when $2 = '' then '' else md5($2)::uuid::text end, true)`,
    [role, tenant],
  );
}

export const fairClaim = (client: Client, queue: string, events: number) =>
  client.query<ClaimedRow>(
    "select tenant, id, token from outbox.claim('bench', $1, queue => $2::regclass) as c",
    [events, queue],
  );

export interface ClaimedRow {
  tenant: string;
  id: string;
  token: string;
}

/** As every queue does it: the oldest first, whoever's they are. */
export const orderedClaim = (client: Client, queue: string, events: number) =>
  client.query<ClaimedRow>(
    `update ${queue} as q
        set status = 'processing', attempts = q.attempts + 1, lease_token = q.lease_token + 1,
            locked_by = 'bench', locked_until = clock_timestamp() + interval '1 minute'
       from (select id from ${queue}
              where status = 'pending' and next_attempt_at <= now()
              order by next_attempt_at limit $1 for update skip locked) as c
      where q.id = c.id
     returning q.restaurant_id as tenant, q.id, q.lease_token as token, q.event_type, q.payload, q.attempts`,
    [events],
  );

const columns = (rows: readonly ClaimedRow[]) => [
  rows.map(({ tenant }) => tenant),
  rows.map(({ id }) => id),
  rows.map(({ token }) => token),
];

export const ack = (client: Client, queue: string, rows: readonly ClaimedRow[]) =>
  client.query("select from outbox.ack($1::uuid[], $2::bigint[], $3::bigint[], $4::regclass)", [
    ...columns(rows),
    queue,
  ]);

export const orderedAck = (client: Client, queue: string, rows: readonly ClaimedRow[]) =>
  client.query(
    `update ${queue} as q set status = 'done', finished_at = clock_timestamp(), locked_until = null, locked_by = null
       from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as c (tenant, id, token)
      where q.id = c.id and q.restaurant_id = c.tenant and q.lease_token = c.token`,
    columns(rows),
  );

import type { ClientBase } from "pg";
import type { OutboxEvent } from "./event.ts";

/** What becomes of an event whose handler threw. */
export interface Failure {
  event: OutboxEvent;
  error: string;
  retry: boolean;
  /** Null: the queue's back-off. */
  retryAfterMs: number | null;
}

/** Whom a claim may take how much of: of the tenants so much each, of all others `each`. */
export interface Allowances {
  tenants: string[];
  allowances: number[];
  each: number;
}

export interface Circuits {
  [tenant: string]: { failures: number; seconds: number };
}

/** The calls of the SQL API, to be made inside `asJob`. Times are lengths only: which moment it is, the server decides. */
export interface Queue {
  claim(
    worker: string,
    events: number,
    perTenant: number,
    leaseMs: number,
    allowances: Allowances,
  ): Promise<OutboxEvent[]>;
  /** Which of them were ours to acknowledge, by `keyOf`. */
  ack(events: readonly OutboxEvent[]): Promise<Set<string>>;
  extend(events: readonly OutboxEvent[], leaseMs: number): Promise<Set<string>>;
  release(events: readonly OutboxEvent[]): Promise<Set<string>>;
  /** What has become of those that were ours, by `keyOf`. */
  fail(failures: readonly Failure[]): Promise<Map<string, "pending" | "dead">>;
  /** These are about to be begun, as of the commit. */
  start(worker: string, events: readonly OutboxEvent[]): Promise<void>;
  /** The worker is there; in place of all that it said before. */
  report(worker: string, started: readonly OutboxEvent[], circuits: Circuits): Promise<void>;
  leave(worker: string): Promise<void>;
  returnLeases(): Promise<{ returned: number; buried: number }>;
  /** True if something waited below the floor. */
  lowerFloor(): Promise<boolean>;
  expireHolds(): Promise<number>;
}

export const keyOf = ({ tenant, id }: { tenant: string; id: string }) => `${tenant}/${id}`;

const columns = (events: readonly OutboxEvent[]) => [
  events.map(({ tenant }) => tenant),
  events.map(({ id }) => id),
  events.map(({ token }) => token),
];

export function queueOn(client: ClientBase, name: string): Queue {
  const settled = async (text: string, events: readonly OutboxEvent[], more: unknown[] = []) => {
    if (events.length === 0) return new Set<string>();
    const { rows } = await client.query<{ tenant: string; id: string }>(text, [
      ...columns(events),
      name,
      ...more,
    ]);
    return new Set(rows.map(keyOf));
  };
  return {
    async claim(worker, events, perTenant, leaseMs, { tenants, allowances, each }) {
      const { rows } = await client.query<OutboxEvent>(
        `select tenant, id, token, attempt, event_type, payload, dedupe_key, idempotency_key, created_at, attributes, lost_leases
           from outbox.claim($1, $2, $3, $4::float8 * interval '1 millisecond', $5::regclass, $6::uuid[], $7::integer[], $8)`,
        [worker, events, perTenant, leaseMs, name, tenants, allowances, each],
      );
      return rows;
    },
    ack: (events) =>
      settled(
        "select tenant, id from outbox.ack($1::uuid[], $2::bigint[], $3::bigint[], $4::regclass)",
        events,
      ),
    extend: (events, leaseMs) =>
      settled(
        `select tenant, id from outbox.extend($1::uuid[], $2::bigint[], $3::bigint[], $5::float8 * interval '1 millisecond', $4::regclass)`,
        events,
        [leaseMs],
      ),
    release: (events) =>
      settled(
        "select tenant, id from outbox.release($1::uuid[], $2::bigint[], $3::bigint[], $4::regclass)",
        events,
      ),
    async fail(failures) {
      if (failures.length === 0) return new Map();
      const { rows } = await client.query<{ tenant: string; id: string; status: "pending" | "dead" }>(
        `select tenant, id, status from outbox.fail_all($1::uuid[], $2::bigint[], $3::bigint[], $5::text[], $6::boolean[],
           array(select ms * interval '1 millisecond' from unnest($7::float8[]) with ordinality as r (ms, place) order by place), $4::regclass)`,
        [
          ...columns(failures.map(({ event }) => event)),
          name,
          failures.map(({ error }) => error),
          failures.map(({ retry }) => retry),
          failures.map(({ retryAfterMs }) => retryAfterMs),
        ],
      );
      return new Map(rows.map((row) => [keyOf(row), row.status]));
    },
    async start(worker, events) {
      if (events.length === 0) return;
      await client.query("select outbox.start($5, $1::uuid[], $2::bigint[], $3::bigint[], $4::regclass)", [
        ...columns(events),
        name,
        worker,
      ]);
    },
    async report(worker, started, circuits) {
      await client.query(
        "select outbox.report($5, $1::uuid[], $2::bigint[], $3::bigint[], $6::jsonb, $4::regclass)",
        [...columns(started), name, worker, JSON.stringify(circuits)],
      );
    },
    async leave(worker) {
      await client.query("select outbox.leave($1, $2::regclass)", [worker, name]);
    },
    async returnLeases() {
      const { rows } = await client.query(
        "select returned, buried from outbox.return_leases(queue => $1::regclass)",
        [name],
      );
      return rows[0];
    },
    async lowerFloor() {
      const { rows } = await client.query("select outbox.lower_floor($1::regclass) as late", [name]);
      return rows[0].late;
    },
    async expireHolds() {
      const { rows } = await client.query("select outbox.expire_holds() as expired");
      return rows[0].expired;
    },
  };
}

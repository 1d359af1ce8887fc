import type { ClientBase } from "pg";
import { inTransaction } from "../database/transaction.ts";
import { becomeJob } from "../tenancy/background-job.ts";
import type { OutboxEvent } from "./event.ts";

/** What becomes of an event whose handler threw. */
export interface Failure {
  event: OutboxEvent;
  error: string;
  retry: boolean;
  /** Null: the queue's back-off. */
  retryAfterMs: number | null;
}

export interface Swept {
  returned: number;
  buried: number;
  late: boolean;
}

/** The calls of the SQL API, to be made inside `asJob`. Times are lengths only: which moment it is, the server decides. */
export interface Queue {
  claim(worker: string, events: number, perTenant: number, leaseMs: number): Promise<OutboxEvent[]>;
  /** Which of them were ours to acknowledge, by `keyOf`. */
  ack(events: readonly OutboxEvent[]): Promise<Set<string>>;
  extend(events: readonly OutboxEvent[], leaseMs: number): Promise<Set<string>>;
  release(events: readonly OutboxEvent[]): Promise<Set<string>>;
  /** Null: it was not ours any more. */
  fail(failure: Failure): Promise<"pending" | "dead" | null>;
  sweep(): Promise<Swept>;
  expireHolds(): Promise<number>;
}

export const keyOf = ({ tenant, id }: { tenant: string; id: string }) => `${tenant}/${id}`;

/**
 * One transaction as the background role with the name of its job; nothing of it outlives the transaction, so a pooler may be between.
 * The server ends it soon if this process stands still in the middle, since others wait for what it has locked.
 */
export function asJob<T>(client: ClientBase, job: string, work: () => Promise<T>): Promise<T> {
  return inTransaction(client, "read write", work, { idleTimeoutMs: 5_000, first: becomeJob(job) });
}

export function queueOn(client: ClientBase, name: string): Queue {
  const settled = async (text: string, events: readonly OutboxEvent[], more: unknown[] = []) => {
    if (events.length === 0) return new Set<string>();
    const { rows } = await client.query<{ tenant: string; id: string }>(text, [
      events.map(({ tenant }) => tenant),
      events.map(({ id }) => id),
      events.map(({ token }) => token),
      name,
      ...more,
    ]);
    return new Set(rows.map(keyOf));
  };
  return {
    async claim(worker, events, perTenant, leaseMs) {
      const { rows } = await client.query<OutboxEvent>(
        `select tenant, id, token, attempt, event_type, payload, dedupe_key, idempotency_key, created_at, attributes
           from outbox.claim($1, $2, $3, $4::float8 * interval '1 millisecond', $5::regclass)`,
        [worker, events, perTenant, leaseMs, name],
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
    async fail({ event, error, retry, retryAfterMs }) {
      const { rows } = await client.query(
        "select outbox.fail($1, $2, $3, $4, $5, $6::float8 * interval '1 millisecond', $7::regclass) as status",
        [event.tenant, event.id, event.token, error, retry, retryAfterMs, name],
      );
      return rows[0].status;
    },
    async sweep() {
      const { rows } = await client.query(
        "select returned, buried, late from outbox.sweep(queue => $1::regclass)",
        [name],
      );
      return rows[0];
    },
    async expireHolds() {
      const { rows } = await client.query("select outbox.expire_holds() as expired");
      return rows[0].expired;
    },
  };
}

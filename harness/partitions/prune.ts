import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { patiently, sqlstateOf } from "../sql/patience.ts";
import { inTransaction } from "../sql/transaction.ts";
import type { Action } from "./settings.ts";
import type { Bound } from "./status.ts";

/** A partition that expired, and what is to become of it. Names are schema.table, quoted where needed. */
export interface ExpiredPartition {
  table: string;
  child: string;
  from: Bound;
  upto: Bound;
  action: Exclude<Action, "keep">;
  archiveSchema: string | null;
}

/** What an interrupted run left. */
export interface Unsettled {
  table: string;
  child: string;
  oid: string;
  action: Exclude<Action, "keep">;
  state: "attached" | "detaching" | "detached" | "gone";
}

/** `gone`: somebody else has dropped it. */
export type Outcome = "detach" | "archive" | "drop" | "gone";

export interface PruneLimits {
  /** How long to wait for transactions that use the table, until DETACH … CONCURRENTLY is through. Nobody waits for it meanwhile. */
  waitMs: number;
  /** How long to wait for locks that others queue behind. */
  lockTimeoutMs: number;
  /** False: DETACH in one go, which readers and writers of the table wait for. */
  concurrently: boolean;
}

const attempts = 10;

export async function unsettled(client: Client, table?: string): Promise<Unsettled[]> {
  const { rows } = await client.query<Unsettled>(
    `select parent_name as table, child_name as child, child::oid::text as oid, action, state from partitions.unsettled($1)`,
    [table],
  );
  return rows;
}

/** Takes one partition from its table and does with it what is said. May be killed at any point: `finish` goes on from there. */
export async function prunePartition(
  client: Client,
  expired: ExpiredPartition,
  limits: PruneLimits,
): Promise<Outcome> {
  const { rows } = await client.query<{ oid: string | null }>("select to_regclass($1)::oid::text as oid", [
    expired.child,
  ]);
  const oid = rows[0]?.oid ?? null;
  if (oid === null) return "gone";
  await patiently(
    () => inTransaction(client, "read write", () => decide(client, expired, limits), limits),
    attempts,
  ).catch(async (error) => {
    // Somebody else may have been faster.
    const { rows: now } = await client.query<{ state: Unsettled["state"] }>(
      "select partitions.state_of($1::oid::regclass) as state",
      [oid],
    );
    if (now[0]?.state === "attached") throw error;
  });
  return finish(client, { ...expired, oid }, expired.action, limits);
}

async function decide(client: Client, expired: ExpiredPartition, limits: PruneLimits): Promise<void> {
  const { table, child, action, archiveSchema } = expired;
  // an error if it cannot be detached at all: before anything is written down
  await client.query("select partitions.detach_statement($1::regclass, $2::regclass, $3)", [
    table,
    child,
    limits.concurrently,
  ]);
  await client.query("select partitions.decide($1::regclass, $2::regclass, $3, $4)", [
    table,
    child,
    action,
    archiveSchema,
  ]);
}

/**
 * Finishes what was decided of a partition, wherever it is on its way out.
 * @param atMost what may become of it now, if that is milder than what was decided
 */
export async function finish(
  client: Client,
  { table, oid }: Pick<Unsettled, "table" | "oid">,
  atMost: Exclude<Action, "keep">,
  limits: PruneLimits,
): Promise<Outcome> {
  const deadline = performance.now() + limits.waitMs;
  for (let step = 1; ; step++) {
    const { rows } = await client.query<{ state: Unsettled["state"]; keys: boolean }>(
      "select partitions.state_of($1::oid::regclass) as state, partitions.has_foreign_keys(to_regclass($2)) as keys",
      [oid, table],
    );
    const { state, keys } = rows[0] ?? { state: "gone", keys: false };
    if (state === "detached" || state === "gone") break;
    try {
      await detach(client, table, oid, limits, keys ? limits.lockTimeoutMs : deadline - performance.now());
    } catch (error) {
      const code = sqlstateOf(error);
      const wait = code === "55P03" && limits.concurrently && performance.now() < deadline;
      // Somebody else may have finished it meanwhile: the state tells.
      if (!wait && (step >= 3 || !["42P01", "55000", "42809"].includes(code))) {
        await client.query("select partitions.undecide($1::oid::regclass)", [oid]).catch(() => undefined);
        throw error;
      }
      await sleep(Math.min(100 * 2 ** step, 2_000) * (0.5 + Math.random() / 2));
    }
  }
  const settle = async (): Promise<Outcome> => {
    const { rows } = await client.query<{ did: Outcome | null }>(
      "select partitions.settle($1::oid::regclass, $2) as did",
      [oid, atMost],
    );
    // null: it was half detached by somebody who wrote nothing down, or another run was faster
    return rows[0]?.did ?? "detach";
  };
  return patiently(() => inTransaction(client, "read write", settle, limits), attempts);
}

async function detach(
  client: Client,
  table: string,
  oid: string,
  limits: PruneLimits,
  waitMs: number,
): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(
    "select partitions.detach_statement($1::regclass, $2::oid::regclass, $3) as statement",
    [table, oid, limits.concurrently],
  );
  const statement = rows[0]?.statement ?? "";
  if (!/ (concurrently|finalize)$/.test(statement)) {
    await patiently(
      () => inTransaction(client, "read write", () => client.query(statement), limits),
      attempts,
    );
    return;
  }
  // For the session, since no transaction may be around it; the connection is ours alone.
  await client.query(`set lock_timeout = ${Math.max(1, Math.round(waitMs))}; set statement_timeout = 0`);
  try {
    await client.query(statement);
  } finally {
    await client.query("reset lock_timeout; reset statement_timeout").catch(() => undefined);
  }
}

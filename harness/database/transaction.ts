import type { ClientBase } from "pg";

export interface Limits {
  /** Milliseconds a statement may run. */
  statementTimeoutMs?: number;
  /** Milliseconds to wait for a lock: short, so that we never queue in front of an application. */
  lockTimeoutMs?: number;
}

/**
 * Opens a transaction with our limits. They are SET LOCAL, because anything that outlives the
 * transaction would reach the next user of a pooled connection, and because poolers refuse start-up options.
 */
export function beginStatement(mode: "read only" | "read write", limits: Limits = {}): string {
  const { statementTimeoutMs = 60_000, lockTimeoutMs = 2_000 } = limits;
  return [
    `begin ${mode};`,
    `set local statement_timeout = ${statementTimeoutMs};`,
    `set local lock_timeout = ${lockTimeoutMs};`,
    "set local idle_in_transaction_session_timeout = 60000;",
  ].join(" ");
}

/** Runs `work` in one transaction: committed if it returns, rolled back if it throws. */
export async function inTransaction<T>(
  client: ClientBase,
  mode: "read only" | "read write",
  work: () => Promise<T>,
  limits: Limits = {},
): Promise<T> {
  await client.query(beginStatement(mode, limits));
  try {
    const answer = await work();
    await client.query("commit");
    return answer;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

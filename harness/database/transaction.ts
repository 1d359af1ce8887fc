import type { ClientBase } from "pg";

export interface Limits {
  /** Milliseconds a statement may run. */
  statementTimeoutMs?: number;
  /** Milliseconds to wait for a lock: short, so that we never queue in front of an application. */
  lockTimeoutMs?: number;
  /** Milliseconds that the server waits for our next statement before it ends the transaction. */
  idleTimeoutMs?: number;
}

export interface Opening extends Limits {
  /** Statements that belong to the beginning, and go with it in one round trip. */
  first?: string;
}

/**
 * Opens a transaction with our limits. They are SET LOCAL, because anything that outlives the
 * transaction would reach the next user of a pooled connection, and because poolers refuse start-up options.
 */
export function beginStatement(mode: "read only" | "read write", limits: Limits = {}): string {
  const { statementTimeoutMs = 60_000, lockTimeoutMs = 2_000, idleTimeoutMs = 60_000 } = limits;
  return [
    `begin ${mode};`,
    `set local statement_timeout = ${statementTimeoutMs};`,
    `set local lock_timeout = ${lockTimeoutMs};`,
    `set local idle_in_transaction_session_timeout = ${idleTimeoutMs};`,
  ].join(" ");
}

/** Runs `work` in one transaction: committed if it returns, rolled back if it throws. */
export async function inTransaction<T>(
  client: ClientBase,
  mode: "read only" | "read write",
  work: () => Promise<T>,
  { first = "", ...limits }: Opening = {},
): Promise<T> {
  try {
    await client.query(`${beginStatement(mode, limits)} ${first}`);
    const answer = await work();
    await client.query("commit");
    return answer;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

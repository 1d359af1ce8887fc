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
 * Settings by which the owner of a database could give our statements another meaning: which schema a name is looked up in first, how
 * text is read, how values are printed. Nothing of the database is in the path, so that no function of its own stands in for one of the server's.
 */
export const meaning = [
  // first, since whatever comes after it may hold a backslash
  "set local standard_conforming_strings = on;",
  "set local search_path = pg_catalog, pg_temp;",
  "set local quote_all_identifiers = off;",
  "set local transform_null_equals = off;",
  "set local array_nulls = on;",
  "set local row_security = on;",
  "set local datestyle = 'ISO';",
  "set local intervalstyle = 'postgres';",
  "set local bytea_output = 'hex';",
  "set local extra_float_digits = 1;",
  "set local xmloption = 'content';",
  "set local xmlbinary = 'base64';",
].join(" ");

/**
 * How every transaction of ours begins: with limits, and with settings that make its statements mean what they say. They are SET LOCAL,
 * because anything that outlives the transaction would reach the next user of a pooled connection, and because poolers refuse start-up options.
 */
export function beginStatement(mode: "read only" | "read write", limits: Limits = {}): string {
  const { statementTimeoutMs = 60_000, lockTimeoutMs = 2_000, idleTimeoutMs = 60_000 } = limits;
  return [
    `begin isolation level read committed ${mode};`,
    meaning,
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

import type { ClientBase } from "pg";
import pg from "pg";
import { inTransaction } from "./transaction.ts";

/** The statements that make a transaction one of a background job: the role, and the name without which the role sees nothing. */
export function becomeJob(name: string): string {
  return `set local role app_background; select tenancy.set_job(${pg.escapeLiteral(name)});`;
}

/**
 * One transaction as the background role with the name of its job; nothing of it outlives the transaction, so a pooler may be between.
 * The server ends it soon if this process stands still in the middle, since others wait for what it has locked.
 */
export function asJob<T>(client: ClientBase, job: string, work: () => Promise<T>): Promise<T> {
  return inTransaction(client, "read write", work, { idleTimeoutMs: 5_000, first: becomeJob(job) });
}

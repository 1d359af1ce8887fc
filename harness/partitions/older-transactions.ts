import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { exitCodes, HarnessError } from "../core/errors.ts";
import { sessionInWords } from "./explain.ts";

export interface Waiting {
  /** How long to wait, in all. */
  patienceMs: number;
  /** Says for whom, each time that it is another session. */
  onWait?(who: string): void;
  paused(): boolean;
}

const pollMs = 250;

/**
 * Waits until no transaction is left whose snapshot is older than the copy: after the swap it would find the table empty, and would not be told.
 * Returns early if it is paused.
 * @throws HarnessError `older-transaction`
 */
export async function waitForOlderTransactions(
  client: Client,
  relation: string,
  { patienceMs, onWait, paused }: Waiting,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (let told: number | undefined; ; ) {
    await client.query("select partitions.note_transactions($1)", [relation]);
    const { rows } = await client.query<{ pid: number; name: string | null; seconds: number | null }>(
      `select pid, application as name, extract(epoch from now() - began_at)::float as seconds
         from partitions.older_transactions($1) limit 1`,
      [relation],
    );
    const [oldest] = rows;
    if (!oldest || paused()) return;
    const who = sessionInWords(oldest);
    if (Date.now() > deadline) {
      throw new HarnessError({
        code: "older-transaction",
        message: `${relation}: ${who} has a snapshot from before the copy was complete; after the swap it would find the table empty`,
        hint: `Nothing is lost: run this again when its transaction has ended. pg_terminate_backend(${oldest.pid}) ends it.`,
        exitCode: exitCodes.findings,
      });
    }
    if (told !== oldest.pid) onWait?.(who);
    told = oldest.pid;
    await sleep(Math.min(pollMs, Math.max(10, deadline - Date.now() + 1)));
  }
}

/** Who has the oldest snapshot of this database, as far as the role may know. */
export async function oldestSnapshot(client: Client): Promise<string | null> {
  const { rows } = await client.query<{ pid: number; name: string | null; seconds: number | null }>(
    `select pid, nullif(application_name, '') as name, extract(epoch from now() - xact_start)::float as seconds
       from pg_catalog.pg_stat_activity
      where datid = (select oid from pg_catalog.pg_database where datname = current_database()) and backend_xmin is not null
        and usesysid is not null and pid <> pg_backend_pid()
      order by xact_start limit 1`,
  );
  return rows[0] ? sessionInWords(rows[0]) : null;
}

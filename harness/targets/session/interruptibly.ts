import type { Client } from "pg";
import { onExit } from "../../core/cleanup.ts";
import { sqlstateOf } from "../../sql/patience.ts";
import { note } from "../../terminal/output.ts";
import { connect } from "./connection.ts";

export interface Interruptible {
  client: Client;
  /** Of the same database, to cancel a statement from outside. */
  url: string;
  /** Whether the statement that is running now may take long, and is to be cancelled. */
  cancels(): boolean;
  /** What was done, what is left, how to go on: one line. */
  tell(): string;
}

/** Does something that ends at its next clean point after Ctrl-C or SIGTERM, and then says where it stands. The process ends with 130. */
export async function interruptibly<T>(
  { client, url, cancels, tell }: Interruptible,
  work: (interrupted: () => boolean) => Promise<T>,
): Promise<T> {
  let interrupted = false;
  let over = false;
  const ended = work(() => interrupted);
  onExit(async () => {
    if (over) return;
    interrupted = true;
    if (cancels()) await cancelStatement(client, url).catch(() => undefined);
    await ended.catch(() => undefined);
    note(`\nInterrupted: ${tell()}`);
  });
  try {
    return await ended;
  } catch (error) {
    // That a statement was cancelled is what was wanted: the process ends with the line that tells where it stands.
    if (interrupted && sqlstateOf(error) === "57014") return await new Promise(() => undefined);
    throw error;
  } finally {
    over = !interrupted;
  }
}

async function cancelStatement(client: Client, url: string): Promise<void> {
  const { processID } = client as unknown as { processID: number };
  const other = await connect(url, { purpose: "cancel" });
  try {
    await other.query("select pg_cancel_backend($1)", [processID]);
  } finally {
    await other.end();
  }
}

import type { Client } from "pg";
import { onExit } from "../../core/cleanup.ts";
import { note } from "../../terminal/output.ts";
import { connect } from "./connection.ts";

const againMs = 500;

/**
 * Ctrl-C and SIGTERM cancel the statement that runs on a connection, since the server would go on with it for nobody. When the work has come to
 * its end by that, they say what has been done and how to go on. Returns what the work awaits last: after an interruption it does not return.
 */
export function cancelOnExit(client: Client, url: string, say: () => string): () => Promise<void> {
  const { processID } = client as unknown as { processID: number };
  let over = false;
  let interrupted = false;
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  onExit(async () => {
    if (over) return;
    interrupted = true;
    const other = await connect(url, { purpose: "cancel" });
    const cancel = () => void other.query("select pg_cancel_backend($1)", [processID]).catch(() => undefined);
    cancel();
    // It may have been between two statements.
    const again = setInterval(cancel, againMs);
    await finished;
    clearInterval(again);
    await other.end().catch(() => undefined);
    note(`\nInterrupted: ${say()}`);
  });
  return async () => {
    over = true;
    finish();
    if (interrupted) await new Promise(() => undefined);
  };
}

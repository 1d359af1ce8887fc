import type { Client } from "pg";
import { type Session, withClient } from "../command-line/session.ts";
import { onExit } from "../core/cleanup.ts";
import { HarnessError } from "../core/errors.ts";
import { unusableTables } from "../pii/tables.ts";
import { isConnectionLost } from "../targets/session/connection-lost.ts";
import { paint } from "../terminal/color.ts";
import { note } from "../terminal/output.ts";
import { type PiiOptions, say } from "./pii-options.ts";

/** What to tell of a run that ends early. */
export interface Early {
  /** What was done and what is left, without a full stop. */
  done(): string;
  /** How to go on, as a sentence. */
  goOn: string;
}

/**
 * A session of a command that ends early with one line that says how to go on: after Ctrl-C or SIGTERM (exit code 130), and when the
 * connection is lost.
 *
 * @throws HarnessError `connection-lost`
 */
export async function withPii<T>(
  options: PiiOptions,
  mode: "reads" | "writes",
  purpose: string,
  early: Early,
  work: (session: Session & { client: Client }) => Promise<T>,
): Promise<T> {
  let running = false;
  onExit(async () => {
    if (running) note(`\nInterrupted: ${early.done()}. ${early.goOn}`);
  });
  try {
    return await withClient(options, mode, purpose, (session) => {
      running = true;
      return work(session);
    });
  } catch (error) {
    if (!running || !isConnectionLost(error)) throw error;
    throw new HarnessError({
      code: "connection-lost",
      message: `the connection to the server was lost: ${early.done()}`,
      hint: early.goOn,
      cause: error,
    });
  } finally {
    running = false;
  }
}

/** A line for each registered table that was passed by, since it is gone or has lost columns. */
export async function sayUnusable(client: Client): Promise<void> {
  for (const { table, reason } of await unusableTables(client)) say(paint.yellow(`${table} ${reason}`));
}

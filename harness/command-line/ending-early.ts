import type { Client } from "pg";
import { onExit } from "../core/cleanup.ts";
import { HarnessError } from "../core/errors.ts";
import { note } from "../terminal/output.ts";
import { type Session, type Where, withClient } from "./session.ts";

/** What to tell of a run that ends early. */
export interface Early {
  /** What was done and what is left, without a full stop. */
  done(): string;
  /** How to go on, as a sentence. */
  goOn: string;
}

/** Of a command that only reads. */
export const nothingChanged: Early = { done: () => "nothing was changed", goOn: "Run it again." };

/**
 * A session of a command that ends early with one line that says how to go on: after Ctrl-C or SIGTERM (exit code 130), and when the
 * connection is lost.
 *
 * @throws HarnessError `connection-lost`
 */
export async function withClientEndingEarly<T>(
  options: Where,
  mode: "reads" | "writes",
  purpose: string,
  early: Early,
  work: (session: Session & { client: Client }) => Promise<T>,
): Promise<T> {
  const { isConnectionLost } = await import("../targets/session/connection-lost.ts");
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

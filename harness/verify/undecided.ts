import type { DatabaseError } from "pg";
import type { Result } from "../core/results.ts";

/** Why a check has no answer. */
export type Failure = Pick<Result, "outcome" | "detail">;

/** A lock that is held passes by itself; anything else is an error, and `what` happened. */
export function describeFailure({ code, message }: DatabaseError, what: string): Failure {
  if (code === "55P03") {
    const detail = "another session holds a lock on a table that it has to read: run verify again";
    return { outcome: "skipped", detail };
  }
  return { outcome: "error", detail: `${what}: ${message} (${code})` };
}

import pg from "pg";
import { isConnectionLoss } from "../../core/connection-loss.ts";
import { HarnessError } from "../../core/errors.ts";

interface Reported {
  code?: string | undefined;
  message?: string | undefined;
}

/** What a database can do to a command that is not the command's fault, by SQLSTATE, and what to do then. */
const ordinary: Record<string, { code: string; hint: string }> = {
  "55P03": {
    code: "waited-for-lock",
    hint: "Another session holds a lock for long: find it in pg_stat_activity, then run this again",
  },
  "57014": { code: "timed-out", hint: "Run it again when the server is less busy" },
  "40P01": { code: "met-another", hint: "Another session was at the same rows: run this again" },
  "40001": { code: "met-another", hint: "Another session was at the same rows: run this again" },
  "53100": { code: "disk-full", hint: "Free some space on the server, then run this again" },
  "53200": { code: "out-of-memory", hint: "Look at the server, then run this again" },
  "53300": { code: "too-many-connections", hint: "Try again later, or raise max_connections" },
  "25006": { code: "read-only", hint: "This is a standby, or the role may only read: use the primary" },
  "42501": {
    code: "permission-denied",
    hint: "Connect as the owner, or let the owner grant what is missing",
  },
};

/**
 * A HarnessError for what happens to any command in operation: a connection, a lock, a race, a full disk. Anything else comes back as it is.
 * @param again what is safe to repeat, in a sentence
 */
export function explainOrdinary(error: unknown, again: string): unknown {
  if (error instanceof HarnessError) return error;
  const { code = "", message = String(error) } = (error ?? {}) as Reported;
  if (isConnectionLoss(error)) {
    return new HarnessError({
      code: "connection-lost",
      message: `the connection to the server was lost: ${message}`,
      hint: again,
      cause: error,
    });
  }
  const known = error instanceof pg.DatabaseError ? ordinary[code] : undefined;
  if (!known) return error;
  const { hint } = known;
  return new HarnessError({
    code: known.code,
    message: `${message} (${code})`,
    hint: `${hint}. ${again}`,
    cause: error,
  });
}

import pg from "pg";
import { HarnessError } from "../../core/errors.ts";

/** What of an error tells that the connection broke, whoever reports it: the server, node-postgres or the operating system. */
interface Reported {
  code?: string | undefined;
  message?: string | undefined;
}

/** 08: connection exceptions. 57P01 to 57P05: shut down, crashed, starting, dropped, idle. 25P03, 25P04: idle or too long in a transaction. */
const lossStates = /^(08...|57P0[1-5]|25P0[34])$/;
const lossErrnos =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN)$/;
/** node-postgres gives these no code. */
const lossWords =
  /^(Connection (terminated|ended)|Client was closed|Client has encountered a connection error|.*(connection is closed|not queryable)|Cannot use a pool after|timeout exceeded when trying to connect)/;

/** Whether the connection was lost after it had come about. */
export function isConnectionLoss(error: unknown): boolean {
  const { code = "", message = "" } = (error ?? {}) as Reported;
  return lossStates.test(code) || lossErrnos.test(code) || lossWords.test(message);
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

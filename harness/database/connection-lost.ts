import { HarnessError } from "../core/errors.ts";

/** The server ends the session: shut down, crash, starting up, time-outs on idle sessions and on transactions, and what libpq calls lost. */
const states = new Set(["57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "08000", "08003", "08006"]);
/** What the operating system says of the socket. */
const failures = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"]);
/** What node-postgres says without a code: of the statement that was running, and of every later one. */
const wording = /^Connection terminated|^Client has encountered a connection error|^Client was closed/;

/** Whether a statement failed because the session that it ran in is gone. */
export function isConnectionLost(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  return code ? states.has(code) || failures.has(code) : wording.test(message ?? "");
}

/** @param again what lasts and what is safe to repeat, as sentences */
export function connectionLost(error: unknown, again: string): HarnessError {
  const { message, code } = error as { message: string; code?: string };
  return new HarnessError({
    code: "connection-lost",
    message: `the connection to the database was lost: ${message}${code ? ` (${code})` : ""}`,
    hint: again,
    cause: error,
  });
}

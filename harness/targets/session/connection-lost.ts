import { HarnessError } from "../../core/errors.ts";

/** SQLSTATEs with which the server ends a session: shut down, crashed, not there yet, idle for too long. */
const endings = /^(57P0[1235]|25P0[34]|08\w{3})$/;
const networks = new Set(["ECONNRESET", "ECONNREFUSED", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]);
const wordings =
  /^Connection (terminated|ended)|connection is closed|not queryable|encountered a connection error/i;

/** Whether the connection broke, as opposed to a statement that failed; looks at what an error was made of, too. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = "", message, cause } = error as Error & { code?: string };
  if (code === "connection-lost" || endings.test(code) || networks.has(code) || wordings.test(message))
    return true;
  return isConnectionLost(cause);
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

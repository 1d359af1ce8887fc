import { isConnectionLoss } from "../../core/connection-loss.ts";
import { HarnessError } from "../../core/errors.ts";

/** Whether the connection broke, as opposed to a statement that failed; looks at what an error was made of, too. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause } = error as Error & { code?: string };
  return code === "connection-lost" || isConnectionLoss(error) || isConnectionLost(cause);
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

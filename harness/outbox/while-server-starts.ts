import { setTimeout as sleep } from "node:timers/promises";
import { HarnessError } from "../core/errors.ts";
import { sqlstateOf } from "../sql/patience.ts";

const patienceMs = 60_000;
const longestPauseMs = 5_000;
/** Of a server that restarts, or a pooler before it. */
const passingCodes = new Set([
  "connection-refused",
  "connection-lost",
  "server-starting",
  "too-many-connections",
]);
const passingStates = /^(08|57P0|53300)/;

/**
 * Tries again, after growing pauses, for a minute: who starts dispatchers starts the server at the same time.
 * @throws HarnessError what stood in the way, as a connection's error; anything else at once
 */
export async function whileServerStarts<T>(log: (line: string) => void, ask: () => Promise<T>): Promise<T> {
  const started = performance.now();
  for (let pauseMs = 250; ; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
    try {
      return await ask();
    } catch (error) {
      if (!passes(error)) throw error;
      const message = error instanceof Error ? error.message : String(error);
      if (performance.now() - started > patienceMs) {
        throw new HarnessError({
          code: error instanceof HarnessError ? error.code : "connection-lost",
          message,
          hint: "Nothing has been dispatched. Start it again when the server is there.",
          cause: error,
        });
      }
      log(`${message}; trying again in ${pauseMs} ms`);
      await sleep(pauseMs);
    }
  }
}

function passes(error: unknown): boolean {
  if (error instanceof HarnessError) return passingCodes.has(error.code);
  const code = sqlstateOf(error);
  return (
    passingStates.test(code) ||
    ["ECONNRESET", "EPIPE"].includes(code) ||
    /^Connection terminated|Client has encountered a connection error/.test(
      error instanceof Error ? error.message : "",
    )
  );
}

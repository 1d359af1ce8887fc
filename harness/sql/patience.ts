import { setTimeout as sleep } from "node:timers/promises";
import { sqlstateOf } from "../core/errors.ts";

export { sqlstateOf };

/** A lock that did not come in time, a deadlock, a key that was changed at the same time: nothing of the transaction lasts. */
export const passing = new Set(["55P03", "40P01", "40001"]);
const manyAttempts = 12;
const longestPauseMs = 2_000;

/** Does a whole transaction again, after a pause that grows, while what stopped it passes by itself. */
export async function patiently<T>(
  transaction: () => Promise<T>,
  attempts = manyAttempts,
  passes: (error: unknown) => boolean = (error) => passing.has(sqlstateOf(error)),
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      if (attempt === attempts || !passes(error)) throw error;
      // at random, so that two that met do not meet again
      await sleep(Math.min(50 * 2 ** attempt, longestPauseMs) * (0.5 + Math.random() / 2));
    }
  }
}

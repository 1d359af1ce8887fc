import { setTimeout } from "node:timers/promises";

/** How long Neon is waited for. Tests bring their own. */
export interface Patience {
  /** Milliseconds for one call, from its first byte to its last. */
  callTimeoutMs: number;
  wait(milliseconds: number): Promise<void>;
}

export const ordinaryPatience: Patience = {
  callTimeoutMs: 10_000,
  wait: async (milliseconds) => void (await setTimeout(milliseconds)),
};

/** Milliseconds spent in pauses before a call is given up, whatever the server asks for. */
const longestWaitMs = 90_000;
const longestPauseMs = 10_000;

/** How often a call is tried. A lock lasts as long as an operation on the project does: seconds to a minute. */
function attempts(status: number | null): number {
  if (status === null) return 3;
  if (status === 423) return 9;
  if (status === 429) return 6;
  return status >= 500 ? 4 : 1;
}

/**
 * Milliseconds until the next attempt of a call without side effects, or null to give up.
 * @param status of the HTTP answer, null if there was none
 * @param attempt how often it was tried, from 1
 * @param asked milliseconds of the server's Retry-After: never shortened, since earlier means refused again
 */
export function nextPause(
  status: number | null,
  attempt: number,
  asked: number | null,
  waitedMs: number,
): number | null {
  if (attempt >= attempts(status)) return null;
  // Half of it is random, so that parallel jobs do not come back together.
  const pause = asked ?? Math.min(longestPauseMs, 500 * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
  return waitedMs + pause > longestWaitMs ? null : pause;
}

/** Retry-After in milliseconds: seconds or a date. Null if it is absent or neither. */
export function readRetryAfter(header: string | null, now = Date.now()): number | null {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // Date.parse takes "-1" for a year
  if (!/[a-z]/i.test(text)) return null;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

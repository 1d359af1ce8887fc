import type { HandlerError } from "./event.ts";

const longest = 2_000;

/** What a handler threw, as far as it matters: what to write down, and what should become of the event. */
export interface Thrown extends Required<Pick<HandlerError, "retry">> {
  error: string;
  /** Null: the queue's back-off. */
  retryAfterMs: number | null;
}

const year = 366 * 86_400_000;

/**
 * Whatever was thrown: an error, a string of 10 MB, an object without a prototype, one whose getters throw, a revoked proxy. Never throws
 * itself, and answers with text that Postgres can store.
 */
export function describeThrown(thrown: unknown): Thrown {
  const retryAfterMs = attempt(() => Number((thrown as HandlerError)?.retryAfterMs ?? Number.NaN));
  return {
    error: storable(
      attempt(() => nameOf(thrown)) ??
        attempt(() => String(thrown)) ??
        `something that has no text: ${typeof thrown}`,
    ),
    retry: attempt(() => (thrown as HandlerError)?.retry) !== false,
    retryAfterMs: retryAfterMs !== undefined && retryAfterMs >= 0 ? Math.min(retryAfterMs, year) : null,
  };
}

/** No NUL and no half of a surrogate pair, which no text of Postgres may hold, and no more than is kept. */
function storable(text: string): string {
  return text.slice(0, longest).replace(/\0|\p{Surrogate}/gu, "\uFFFD");
}

function nameOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const message = String(thrown.message);
  const name = attempt(() => String(thrown.name));
  return name ? `${name.slice(0, longest)}: ${message.slice(0, longest)}` : message;
}

function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

import { AsyncLocalStorage } from "node:async_hooks";
import { describeThrown, type Thrown } from "./error-text.ts";
import type { Handler } from "./event.ts";
import type { Held } from "./held.ts";
import type { Metrics } from "./metrics.ts";

export interface HandlersOptions {
  handler: Handler;
  /** A handler that has not returned after that has failed. */
  handlerTimeoutMs: number;
  metrics: Metrics;
  /** At once: its place is free. `thrown` is null if it did well, undefined if nobody cares any more. */
  ended: (held: Held, thrown: Thrown | null | undefined, inTime: boolean) => void;
  /** A little later: what is to be settled. */
  finished: (held: Held, thrown: Thrown | null) => void;
  /** After some of these. */
  changed: () => void;
}

/** The event whose handler runs: what fails with nobody waiting for it is failed by this. */
const current = new AsyncLocalStorage<Held>();

/** What came to the surface of the process belongs to the event at work: true if there is one. */
export function blameCurrent(error: unknown): boolean {
  const held = current.getStore();
  if (!held) return false;
  held.stray ??= { error };
  return true;
}

/** Events at work. Whatever a handler does, it ends for us: it returns, throws, or its time is over. */
export class Handlers {
  readonly #options: HandlersOptions;
  readonly #running = new Set<Held>();
  /** Returned in this turn of the event loop. */
  #returned: { held: Held; thrown: Thrown | null }[] = [];
  #overdue = 0;
  #watch: NodeJS.Timeout | null = null;

  constructor(options: HandlersOptions) {
    this.#options = options;
    options.metrics.gauge("running", () => this.#running.size);
    options.metrics.gauge("overdue", () => this.#overdue);
  }

  get size(): number {
    return this.#running.size;
  }

  has(held: Held): boolean {
    return this.#running.has(held);
  }

  [Symbol.iterator](): Iterator<Held> {
    return this.#running.values();
  }

  async run(held: Held): Promise<void> {
    held.begunAt = performance.now();
    this.#running.add(held);
    this.#keepWatch();
    let thrown: Thrown | null = null;
    try {
      // A copy: by the original it is settled, whatever a handler makes of its own.
      await current.run(held, this.#options.handler, { ...held.event }, held);
    } catch (error) {
      thrown = describeThrown(error);
    }
    if (!this.#running.has(held)) {
      this.#overdue--;
      return;
    }
    this.#leave(held);
    // What nobody waited for surfaces when the event loop has nothing else to do: only then is it certain that the handler did well.
    if (this.#returned.push({ held, thrown }) === 1) setImmediate(() => this.#flush());
    this.#options.ended(held, held.aborted ? undefined : thrown, true);
  }

  #leave(held: Held): void {
    this.#running.delete(held);
    const seconds = (performance.now() - (held.begunAt ?? 0)) / 1000;
    this.#options.metrics.count("handler_seconds_total", {}, seconds);
  }

  #flush(): void {
    for (const { held, thrown } of this.#returned.splice(0)) {
      if (held.aborted) continue;
      this.#options.finished(held, thrown ?? (held.stray && describeThrown(held.stray.error)));
    }
    this.#options.changed();
  }

  /** Looks after handlers that do not return. One clock for all: a timer for each would cost more than all else. */
  #keepWatch(): void {
    const every = Math.min(1_000, Math.max(10, this.#options.handlerTimeoutMs / 20));
    this.#watch ??= setTimeout(() => {
      this.#watch = null;
      this.#endOverdue();
      if (this.#running.size > 0) this.#keepWatch();
    }, every).unref();
  }

  #endOverdue(): void {
    const { handlerTimeoutMs, metrics, ended, finished, changed } = this.#options;
    const now = performance.now();
    const late = [...this.#running].filter(({ begunAt }) => now - (begunAt ?? now) > handlerTimeoutMs);
    for (const held of late) {
      this.#leave(held);
      this.#overdue++;
      if (held.aborted) {
        ended(held, undefined, false);
        continue;
      }
      const error = `the handler did not return within ${handlerTimeoutMs / 1000} s`;
      const thrown = { error, retry: true, retryAfterMs: null };
      metrics.count("handler_timeouts_total");
      held.abort(error);
      finished(held, thrown);
      ended(held, thrown, false);
    }
    if (late.length > 0) changed();
  }
}

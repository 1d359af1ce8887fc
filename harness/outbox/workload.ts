import type { Handler, HandlerError, OutboxEvent } from "./event.ts";
import { type Failure, keyOf } from "./queue.ts";

interface Held {
  event: OutboxEvent;
  /** Null until its handler begins. */
  abort: AbortController | null;
}

/** The events that this dispatcher has leased: waiting, in a handler, or finished and not yet settled. */
export class Workload {
  readonly #handler: Handler;
  readonly #concurrency: number;
  readonly #queue: string;
  readonly #finished: (seconds: number) => void;
  readonly #held = new Map<string, Held>();
  #waiting: Held[] = [];
  #running = 0;
  #delivered: OutboxEvent[] = [];
  #failures: Failure[] = [];

  constructor(
    handler: Handler,
    queue: string,
    concurrency: number,
    /** After each handler, with the seconds that it took. */
    finished: (seconds: number) => void,
  ) {
    this.#handler = handler;
    this.#queue = queue;
    this.#concurrency = concurrency;
    this.#finished = finished;
  }

  /** Events whose lease is ours to keep alive. */
  get events(): OutboxEvent[] {
    return [...this.#held.values()].map(({ event }) => event);
  }

  get size(): number {
    return this.#held.size;
  }

  get running(): number {
    return this.#running;
  }

  get unsettled(): number {
    return this.#delivered.length + this.#failures.length;
  }

  add(events: readonly OutboxEvent[]): void {
    for (const event of events) {
      const held: Held = { event, abort: null };
      // Its lease ended unnoticed and it has come back to us: what was made of it under the old token is stale.
      const old = this.#held.get(keyOf(event));
      old?.abort?.abort();
      this.#waiting = this.#waiting.filter((one) => one !== old);
      this.#held.set(keyOf(event), held);
      this.#waiting.push(held);
    }
    this.#begin();
  }

  /** What has been finished since the last call. */
  takeFinished(): { delivered: OutboxEvent[]; failures: Failure[] } {
    const taken = { delivered: this.#delivered, failures: this.#failures };
    this.#delivered = [];
    this.#failures = [];
    return taken;
  }

  /** Could not be settled now. */
  putBack({ delivered, failures }: { delivered: OutboxEvent[]; failures: Failure[] }): void {
    this.#delivered.unshift(...delivered);
    this.#failures.unshift(...failures);
  }

  /** Settled: their leases are nobody's concern any more. */
  forget(events: readonly OutboxEvent[]): void {
    for (const event of events) {
      if (this.#held.get(keyOf(event))?.event.token === event.token) this.#held.delete(keyOf(event));
    }
  }

  /** Lets go of events whose lease is lost; handlers at work on them are told. */
  lose(events: readonly OutboxEvent[]): void {
    const lost = new Set(events);
    for (const { event, abort } of this.#held.values()) if (lost.has(event)) abort?.abort();
    this.#waiting = this.#waiting.filter(({ event }) => !lost.has(event));
    this.forget(events);
  }

  /** What no handler has begun, taken away from them. */
  takeWaiting(): OutboxEvent[] {
    const events = this.#waiting.map(({ event }) => event);
    this.#waiting = [];
    return events;
  }

  /** Tells the handlers at work to give up, and counts their events as failed whatever they do then. */
  abandon(reason: string): void {
    for (const { event, abort } of this.#held.values()) {
      if (!abort || abort.signal.aborted) continue;
      abort.abort();
      this.#failures.push({ event, error: reason, retry: true, retryAfterMs: 0 });
    }
  }

  #begin(): void {
    while (this.#running < this.#concurrency) {
      const next = this.#waiting.shift();
      if (!next) return;
      void this.#handle(next);
    }
  }

  async #handle(held: Held): Promise<void> {
    const { event } = held;
    const abort = new AbortController();
    held.abort = abort;
    this.#running++;
    const started = performance.now();
    let failure: Failure | null = null;
    try {
      await this.#handler(event, { signal: abort.signal, queue: this.#queue });
    } catch (error) {
      failure = failureOf(event, error);
    }
    this.#running--;
    if (!abort.signal.aborted) {
      // From now on there is nothing to abandon.
      held.abort = null;
      if (failure) this.#failures.push(failure);
      else this.#delivered.push(event);
    }
    this.#finished((performance.now() - started) / 1000);
    this.#begin();
  }
}

function failureOf(event: OutboxEvent, error: unknown): Failure {
  const { retry, retryAfterMs } = (typeof error === "object" && error ? error : {}) as HandlerError;
  return {
    event,
    error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    retry: retry !== false,
    retryAfterMs: typeof retryAfterMs === "number" && retryAfterMs >= 0 ? retryAfterMs : null,
  };
}

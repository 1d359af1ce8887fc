import type { Handler, HandlerError, OutboxEvent } from "./event.ts";
import { Held } from "./held.ts";
import { type Failure, keyOf } from "./queue.ts";

/** What handlers have done with, one way or the other. */
export interface Finished {
  delivered: OutboxEvent[];
  failures: Failure[];
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
      const held = new Held(event, this.#queue);
      // Its lease ended unnoticed and it has come back to us: what was made of it under the old token is stale.
      const old = this.#held.get(keyOf(event));
      if (old) {
        old.abort();
        this.#waiting = this.#waiting.filter((one) => one !== old);
      }
      this.#held.set(keyOf(event), held);
      this.#waiting.push(held);
    }
    this.#begin();
  }

  /** What has been finished since the last call. */
  takeFinished(): Finished {
    const taken = { delivered: this.#delivered, failures: this.#failures };
    this.#delivered = [];
    this.#failures = [];
    return taken;
  }

  /** Could not be settled now. */
  putBack({ delivered, failures }: Finished): void {
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
    for (const held of this.#held.values()) if (lost.has(held.event)) held.abort();
    this.#waiting = this.#waiting.filter(({ event }) => !lost.has(event));
    this.forget(events);
  }

  /** What no handler has begun, taken away from them. */
  takeWaiting(): Held[] {
    return this.#waiting.splice(0);
  }

  /** Could not be given back now. */
  putBackWaiting(held: readonly Held[]): void {
    this.#waiting.unshift(...held);
  }

  /** Tells the handlers at work to give up, and counts their events as failed whatever they do then. */
  abandon(reason: string): void {
    for (const held of this.#held.values()) {
      if (!held.working || held.aborted) continue;
      held.abort();
      this.#failures.push({ event: held.event, error: reason, retry: true, retryAfterMs: 0 });
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
    held.working = true;
    this.#running++;
    const started = performance.now();
    let failure: Failure | null = null;
    try {
      await this.#handler(event, held);
    } catch (error) {
      failure = failureOf(event, error);
    }
    this.#running--;
    if (!held.aborted) {
      // From now on there is nothing to abandon.
      held.working = false;
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

import type { Thrown } from "./error-text.ts";
import type { Handler, OutboxEvent } from "./event.ts";
import { FairQueue } from "./fair-queue.ts";
import { Handlers } from "./handlers.ts";
import { Held } from "./held.ts";
import type { Metrics } from "./metrics.ts";
import { Pace } from "./pace.ts";
import { type Failure, keyOf } from "./queue.ts";
import { Tenants } from "./tenants.ts";

/** What handlers have done with, one way or the other. */
export interface Finished {
  delivered: OutboxEvent[];
  failures: Failure[];
}

export interface WorkloadOptions {
  handler: Handler;
  queue: string;
  /** Handlers at a time. */
  concurrency: number;
  /** Of one tenant. */
  perTenantRunning: number;
  /** A handler that has not returned after that has failed. */
  handlerTimeoutMs: number;
  /** Events leased at a time, at most. */
  batch: number;
  metrics: Metrics;
  /** There is something to tell the server. */
  changed: () => void;
}

/** Enough for a claim to be worth its while, before anything is known of how quickly events go. */
const smallBatch = 100;

/**
 * The events that this dispatcher has leased. Each goes from waiting to ready, when the server knows that it is about to be begun, to its
 * handler, and is finished and settled.
 */
export class Workload {
  readonly #options: WorkloadOptions;
  readonly #held = new Map<string, Held>();
  readonly #tenants: Tenants;
  readonly #handlers: Handlers;
  readonly #waiting = new FairQueue();
  /** Waiting, of which one at a time is begun, so that it is known whose fault it is if the process dies. */
  readonly #suspects = new FairQueue();
  #suspect: Held | null = null;
  /** The server is being told that they are about to be begun. */
  readonly #starting = new FairQueue();
  readonly #ready = new FairQueue();
  #delivered: OutboxEvent[] = [];
  #failures: Failure[] = [];
  readonly #pace = new Pace();

  constructor(options: WorkloadOptions) {
    const { handler, handlerTimeoutMs, metrics, changed } = options;
    this.#options = options;
    this.#tenants = new Tenants(options.perTenantRunning, metrics);
    this.#handlers = new Handlers({
      ...{ handler, handlerTimeoutMs, metrics, changed },
      ended: (held, thrown, inTime) => this.#ended(held, thrown, inTime),
      finished: (held, thrown) => this.#finished(held, thrown),
    });
    metrics.gauge("in_flight", () => this.size);
  }

  /** Who may take how much: for claims and reports. */
  get tenants(): Tenants {
    return this.#tenants;
  }

  /** Events whose lease is ours to keep alive. */
  get events(): OutboxEvent[] {
    return [...this.#held.values()].map(({ event }) => event);
  }

  get size(): number {
    return this.#held.size;
  }

  /** What may have been begun, as the server has to know it. */
  get started(): OutboxEvent[] {
    return [...this.#starting, ...this.#ready, ...this.#handlers].map(({ event }) => event);
  }

  /** How many more to lease: half of what is worth holding, or none. More is worth it the quicker they go. */
  get room(): number {
    const most = Math.min(
      this.#options.batch,
      Math.max(smallBatch, 4 * this.#pace.recent(performance.now())),
    );
    const half = Math.ceil(most / 2);
    return most - this.size >= half ? half : 0;
  }

  add(events: readonly OutboxEvent[]): void {
    for (const event of events) {
      // Its lease ended unnoticed and it has come back to us: what was made of it under the old token is stale.
      const old = this.#held.get(keyOf(event));
      if (old) this.#drop(old, "its lease was lost");
      const held = new Held(event, this.#options.queue);
      this.#held.set(keyOf(event), held);
      this.#tenants.of(event.tenant).held++;
      this.#wait(held);
    }
    if (events.length > 0) this.#options.changed();
  }

  /** Those to be begun next: nothing of them happens before `begin` is called. */
  toStart(): OutboxEvent[] {
    const now = performance.now();
    const { concurrency } = this.#options;
    const wanted = Math.max(concurrency, 2 * this.#pace.recent(now));
    const may = (tenant: string) => {
      const work = this.#tenants.of(tenant);
      return work.running + this.#ready.of(tenant) + this.#starting.of(tenant) < work.mayStart(now);
    };
    if (!this.#suspect) {
      this.#suspect = this.#suspects.take(may);
      if (this.#suspect) this.#starting.add(this.#suspect);
    }
    while (this.#ready.size + this.#starting.size < wanted) {
      const next = this.#waiting.take(may);
      if (!next) break;
      this.#starting.add(next);
    }
    return [...this.#starting].map(({ event }) => event);
  }

  /** The server knows of those that were to be started. */
  begin(): void {
    for (const held of this.#starting.drain()) this.#ready.add(held);
    this.#fill();
  }

  /** It does not. */
  dontBegin(): void {
    for (const held of this.#starting.drain()) this.#wait(held);
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
      const held = this.#held.get(keyOf(event));
      if (held?.event.token === event.token) this.#drop(held, "it is settled");
    }
  }

  /** Lets go of events whose lease is lost; handlers at work on them are told. */
  lose(events: readonly OutboxEvent[]): void {
    for (const event of events) {
      const held = this.#held.get(keyOf(event));
      if (held?.event.token === event.token) this.#drop(held, "its lease was lost");
    }
  }

  /** What no handler has begun, of tenants that are left alone, or of all; taken away from them. */
  takeWaiting(all: boolean): OutboxEvent[] {
    const lines = [this.#waiting, this.#suspects, this.#ready];
    const taken = all
      ? lines.flatMap((line) => line.drain())
      : this.#tenants.barred().flatMap((tenant) => lines.flatMap((line) => line.drain(tenant)));
    if (this.#suspect && taken.includes(this.#suspect)) this.#suspect = null;
    return taken.map(({ event }) => event);
  }

  /** Could not be given back now. */
  putBackWaiting(events: readonly OutboxEvent[]): void {
    for (const event of events) {
      const held = this.#held.get(keyOf(event));
      if (held?.event.token === event.token) this.#wait(held);
    }
  }

  /** Tells the handlers at work to give up, and counts their events as failed whatever they do then. */
  abandon(reason: string): void {
    for (const held of this.#handlers) {
      if (held.aborted) continue;
      held.abort(reason);
      this.#failures.push({ event: held.event, error: reason, retry: true, retryAfterMs: 0 });
    }
  }

  #wait(held: Held): void {
    if (this.#suspect === held) this.#suspect = null;
    (held.suspect ? this.#suspects : this.#waiting).add(held);
  }

  #drop(held: Held, reason: string): void {
    if (this.#held.get(keyOf(held.event)) !== held) return;
    this.#held.delete(keyOf(held.event));
    this.#tenants.of(held.event.tenant).held--;
    for (const line of [this.#waiting, this.#suspects, this.#starting, this.#ready]) line.delete(held);
    if (this.#handlers.has(held)) held.abort(reason);
    else if (this.#suspect === held) this.#suspect = null;
  }

  #fill(): void {
    const now = performance.now();
    const may = (tenant: string) => {
      const work = this.#tenants.of(tenant);
      return work.running < work.mayRun(now);
    };
    while (this.#handlers.size < this.#options.concurrency) {
      const next = this.#ready.take(may);
      if (!next) return;
      this.#tenants.of(next.event.tenant).running++;
      void this.#handlers.run(next);
    }
  }

  #ended(held: Held, thrown: Thrown | null | undefined, inTime: boolean): void {
    const now = performance.now();
    const { tenant } = held.event;
    const work = this.#tenants.of(tenant);
    work.running--;
    work.pace.count(now);
    this.#pace.count(now);
    if (this.#suspect === held) this.#suspect = null;
    // Who says that an event will never do has answered.
    if (thrown?.retry) this.#tenants.failed(tenant, inTime);
    else if (thrown !== undefined) this.#tenants.answered(tenant);
    this.#fill();
  }

  #finished(held: Held, thrown: Thrown | null): void {
    if (thrown) this.#failures.push({ event: held.event, ...thrown });
    else this.#delivered.push(held.event);
  }
}

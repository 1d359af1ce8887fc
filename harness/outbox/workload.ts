import { AsyncLocalStorage } from "node:async_hooks";
import { describeThrown, type Thrown } from "./error-text.ts";
import type { Handler, OutboxEvent } from "./event.ts";
import { FairQueue } from "./fair-queue.ts";
import { Held } from "./held.ts";
import type { Metrics } from "./metrics.ts";
import { Pace } from "./pace.ts";
import { type Failure, keyOf } from "./queue.ts";
import { TenantWork } from "./tenant-work.ts";

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

/** The event whose handler runs: what fails with nobody waiting for it is failed by this. */
const current = new AsyncLocalStorage<Held>();

/** What came to the surface of the process belongs to the event at work: true if there is one. */
export function blameCurrent(error: unknown): boolean {
  const held = current.getStore();
  if (!held) return false;
  held.stray ??= { error };
  return true;
}

/**
 * The events that this dispatcher has leased. Each goes from waiting to ready, when the server knows that it is about to be begun, to its
 * handler, and is finished and settled.
 */
export class Workload {
  readonly #options: WorkloadOptions;
  readonly #held = new Map<string, Held>();
  readonly #tenants = new Map<string, TenantWork>();
  /** Tenants whose circuit has opened and not closed since. */
  readonly #troubled = new Set<string>();
  readonly #waiting = new FairQueue();
  /** Waiting, of which one at a time is begun, so that it is known whose fault it is if the process dies. */
  readonly #suspects = new FairQueue();
  #suspect: Held | null = null;
  /** The server is being told that they are about to be begun. */
  readonly #starting = new FairQueue();
  readonly #ready = new FairQueue();
  readonly #running = new Set<Held>();
  /** Returned from their handlers in this turn of the event loop. */
  #returned: { held: Held; thrown: Thrown | null }[] = [];
  #delivered: OutboxEvent[] = [];
  #failures: Failure[] = [];
  readonly #pace = new Pace();
  #overdue = 0;
  #watch: NodeJS.Timeout | null = null;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    options.metrics.gauge("in_flight", () => this.size);
    options.metrics.gauge("running", () => this.#running.size);
    options.metrics.gauge("overdue", () => this.#overdue);
    options.metrics.gauge("open_circuits", () => Object.keys(this.circuits()).length);
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
    return [...this.#starting, ...this.#ready, ...this.#running].map(({ event }) => event);
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

  /** Who may be leased how many more; nobody else more than `each`. */
  get allowances(): { tenants: string[]; allowances: number[]; each: number } {
    const now = performance.now();
    const each = 2 * this.#options.perTenantRunning;
    const tenants: string[] = [];
    const allowances: number[] = [];
    for (const [tenant, work] of this.#tenants) {
      const left = Math.max(0, work.mayHold(now) - work.held);
      if (left === each) continue;
      tenants.push(tenant);
      allowances.push(left);
    }
    return { tenants, allowances, each };
  }

  /** How much more of a tenant may be leased. */
  allowance(tenant: string): number {
    const work = this.#tenants.get(tenant);
    return work ? work.mayHold(performance.now()) - work.held : 2 * this.#options.perTenantRunning;
  }

  /** Tenants that are left alone for now. */
  circuits(): Record<string, { failures: number; seconds: number }> {
    const now = performance.now();
    return Object.fromEntries(
      [...this.#troubled].map((tenant) => {
        const { failures, until } = this.#tenant(tenant).circuit;
        return [tenant, { failures, seconds: Math.max(0, Math.round((until - now) / 1000)) }];
      }),
    );
  }

  add(events: readonly OutboxEvent[]): void {
    for (const event of events) {
      // Its lease ended unnoticed and it has come back to us: what was made of it under the old token is stale.
      const old = this.#held.get(keyOf(event));
      if (old) this.#drop(old, "its lease was lost");
      const held = new Held(event, this.#options.queue);
      this.#held.set(keyOf(event), held);
      this.#tenant(event.tenant).held++;
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
      const work = this.#tenant(tenant);
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
    const now = performance.now();
    const lines = [this.#waiting, this.#suspects, this.#ready];
    const taken: Held[] = [];
    if (all) taken.push(...lines.flatMap((line) => line.drain()));
    else
      for (const tenant of this.#troubled)
        if (this.#tenant(tenant).circuit.state(now) === "open")
          taken.push(...lines.flatMap((line) => line.drain(tenant)));
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
    for (const held of this.#running) {
      if (held.aborted) continue;
      held.abort(reason);
      this.#failures.push({ event: held.event, error: reason, retry: true, retryAfterMs: 0 });
    }
  }

  /** Forgets tenants of which there is nothing to be known. */
  tidy(): void {
    const now = performance.now();
    for (const [tenant, work] of this.#tenants) if (work.idle(now)) this.#tenants.delete(tenant);
  }

  #tenant(id: string): TenantWork {
    let tenant = this.#tenants.get(id);
    if (!tenant) {
      tenant = new TenantWork(this.#options.perTenantRunning);
      this.#tenants.set(id, tenant);
    }
    return tenant;
  }

  #wait(held: Held): void {
    if (this.#suspect === held) this.#suspect = null;
    (held.suspect ? this.#suspects : this.#waiting).add(held);
  }

  #drop(held: Held, reason: string): void {
    if (this.#held.get(keyOf(held.event)) !== held) return;
    this.#held.delete(keyOf(held.event));
    this.#tenant(held.event.tenant).held--;
    for (const line of [this.#waiting, this.#suspects, this.#starting, this.#ready]) line.delete(held);
    if (this.#running.has(held)) held.abort(reason);
    else if (this.#suspect === held) this.#suspect = null;
  }

  #fill(): void {
    const now = performance.now();
    const may = (tenant: string) => {
      const work = this.#tenant(tenant);
      return work.running < work.mayRun(now);
    };
    while (this.#running.size < this.#options.concurrency) {
      const next = this.#ready.take(may);
      if (!next) return;
      void this.#handle(next);
    }
  }

  async #handle(held: Held): Promise<void> {
    held.begunAt = performance.now();
    this.#running.add(held);
    this.#tenant(held.event.tenant).running++;
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
    this.#release(held);
    if (!held.aborted) this.#judge(held, thrown);
    // What nobody waited for surfaces when the event loop has nothing else to do: only then is it certain that the handler did well.
    if (this.#returned.push({ held, thrown }) === 1) setImmediate(() => this.#flush());
    this.#fill();
  }

  /** The handler of it holds up nobody any more. */
  #release(held: Held): void {
    const now = performance.now();
    const tenant = this.#tenant(held.event.tenant);
    this.#running.delete(held);
    tenant.running--;
    tenant.pace.count(now);
    this.#pace.count(now);
    if (this.#suspect === held) this.#suspect = null;
    this.#options.metrics.count("handler_seconds_total", {}, (now - (held.begunAt ?? now)) / 1000);
    held.begunAt = null;
  }

  #flush(): void {
    for (const { held, thrown: own } of this.#returned.splice(0)) {
      if (held.aborted) continue;
      const thrown = own ?? (held.stray && describeThrown(held.stray.error));
      if (thrown && !own) this.#judge(held, thrown);
      if (thrown) this.#failures.push({ event: held.event, ...thrown });
      else this.#delivered.push(held.event);
    }
    this.#options.changed();
  }

  /** What its tenant's receiver is thought of. Who says that an event will never do has answered. */
  #judge(held: Held, thrown: Thrown | null): void {
    const { tenant } = held.event;
    if (thrown?.retry) {
      this.#failed(held, performance.now(), true);
    } else {
      this.#tenant(tenant).circuit.answered();
      this.#troubled.delete(tenant);
    }
  }

  #failed({ event: { tenant } }: Held, now: number, inTime: boolean): void {
    if (!this.#tenant(tenant).circuit.failed(now, inTime)) return;
    this.#troubled.add(tenant);
    this.#options.metrics.count("circuits_opened_total");
  }

  /** Looks after handlers that do not return. One clock for all: a timer for each would cost more than all else. */
  #keepWatch(): void {
    const { handlerTimeoutMs } = this.#options;
    this.#watch ??= setTimeout(
      () => {
        this.#watch = null;
        this.#endOverdue();
        if (this.#running.size > 0) this.#keepWatch();
      },
      Math.min(1_000, Math.max(10, handlerTimeoutMs / 20)),
    ).unref();
  }

  #endOverdue(): void {
    const { handlerTimeoutMs, metrics, changed } = this.#options;
    const now = performance.now();
    const late = [...this.#running].filter(({ begunAt }) => now - (begunAt ?? now) > handlerTimeoutMs);
    if (late.length === 0) return;
    for (const held of late) {
      this.#release(held);
      this.#overdue++;
      if (held.aborted) continue;
      const error = `the handler did not return within ${handlerTimeoutMs / 1000} s`;
      held.abort(error);
      this.#failures.push({ event: held.event, error, retry: true, retryAfterMs: null });
      metrics.count("handler_timeouts_total");
      this.#failed(held, now, false);
    }
    changed();
    this.#fill();
  }
}

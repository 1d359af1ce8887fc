import { hostname } from "node:os";
import type { Client } from "pg";
import { type LastingConnection, lastingConnection } from "./connection.ts";
import type { Handler } from "./event.ts";
import { listen } from "./listen.ts";
import { Metrics } from "./metrics.ts";
import { asJob, keyOf, queueOn } from "./queue.ts";
import { WakeUp } from "./wake-up.ts";
import { Workload } from "./workload.ts";

export interface DispatcherOptions {
  /** Opens a connection to claim and settle on; a transaction pooler will do. */
  connect: () => Promise<Client>;
  /** Opens a direct one for LISTEN; null: polling only. */
  connectToListen: (() => Promise<Client>) | null;
  queue: string;
  channel: string;
  handler: Handler;
  /** Handlers at a time. */
  concurrency: number;
  /** Events leased at a time, at most. */
  batch: number;
  /** Events of one tenant in a round of a claim. */
  perTenant: number;
  leaseMs: number;
  /** Longest pause between claims while nothing is heard. */
  pollMs: number;
  sweepMs: number;
  /** How long to wait for handlers when stopping. */
  graceMs: number;
  /** Also mark holds that expired. */
  expireHolds: boolean;
  /** Name of the background job in the transactions' context. */
  job: string;
  log: (line: string) => void;
  metrics?: Metrics;
}

/**
 * Claims events, has them handled and settles them: at least once each, fairly between tenants. All that it knows about time are
 * lengths; what is due and which lease has ended is decided by the server's clock.
 */
export class Dispatcher {
  readonly metrics: Metrics;
  readonly worker = `${hostname()}:${process.pid}`;
  readonly #options: DispatcherOptions;
  readonly #wakeUp = new WakeUp();
  readonly #reconnect = new WakeUp();
  readonly #connection: LastingConnection;
  readonly #workload: Workload;
  #connected = false;
  #stopping: { until: number } | null = null;
  /** The last claim was full, so that there is most likely more. */
  #more = true;
  #nextClaim = 0;
  #nextSweep = 0;
  #nextExtension: number;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.metrics = options.metrics ?? new Metrics();
    this.#nextExtension = performance.now() + options.leaseMs / 3;
    this.#workload = new Workload(options.handler, options.queue, options.concurrency, (seconds) => {
      this.metrics.count("handler_seconds_total", {}, seconds);
      this.#wakeUp.call();
    });
    this.#connection = lastingConnection(
      options.connect,
      {
        broken: (error, pauseMs) => {
          this.#connected = false;
          this.metrics.count("connection_failures_total", { connection: "work" });
          options.log(`${messageOf(error)}; trying again in ${Math.round(pauseMs)} ms`);
        },
      },
      this.#reconnect,
    );
  }

  get healthy(): boolean {
    return this.#connected;
  }

  /** Works until `stop()`; returns when what it held has been settled or given back. */
  async run(): Promise<void> {
    const { connectToListen, channel, queue } = this.#options;
    const ears =
      connectToListen === null
        ? null
        : listen(connectToListen, channel, queue, () => this.#hear(), this.metrics);
    try {
      while (!this.#finished()) {
        await this.#round();
        if (!this.#finished()) await this.#wakeUp.wait(this.#pause());
      }
    } finally {
      await ears?.close();
      await this.#connection.close();
    }
  }

  stop(): void {
    if (this.#stopping) return;
    this.#stopping = { until: performance.now() + this.#options.graceMs };
    this.#wakeUp.call();
    this.#reconnect.call();
    // Without a connection nothing can be given back: the leases will end by themselves.
    const giveUp = setTimeout(() => {
      if (!this.#connected) void this.#connection.close();
      else giveUp.refresh();
    }, this.#options.graceMs);
    giveUp.unref();
  }

  #hear(): void {
    this.#nextClaim = 0;
    this.#wakeUp.call();
  }

  #finished(): boolean {
    if (!this.#stopping) return false;
    if (!this.#connected && performance.now() > this.#stopping.until) return true;
    return this.#workload.size === 0;
  }

  /** Until something has to be done that nobody will wake us for. */
  #pause(): number {
    const now = performance.now();
    if (this.#stopping) return Math.max(10, Math.min(this.#stopping.until, this.#nextExtension) - now);
    const claim = this.#room() > 0 ? (this.#more ? now : this.#nextClaim) : Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(claim, this.#nextSweep, this.#nextExtension) - now);
  }

  /** How many events to ask for; none until half of the batch is free, since larger claims cost less an event. */
  #room(): number {
    const free = this.#options.batch - this.#workload.size;
    return free >= this.#options.batch / 2 ? free : 0;
  }

  async #round(): Promise<void> {
    const client = await this.#connection.client();
    if (!client) return;
    this.#connected = true;
    if (this.#stopping && performance.now() > this.#stopping.until) {
      this.#workload.abandon("the dispatcher stopped before this was done");
    }
    const started = performance.now();
    const finished = this.#workload.takeFinished();
    try {
      await this.#settleAndClaim(client, finished);
      await this.#keepHouse(client);
    } catch (error) {
      if (finished.delivered.length + finished.failures.length > 0) this.#workload.putBack(finished);
      this.#options.log(`a transaction failed: ${messageOf(error)}`);
      this.metrics.count("connection_failures_total", { connection: "work" });
      this.#connection.discard(client);
      this.#nextClaim = performance.now() + this.#options.pollMs;
      this.#more = false;
      // Before the next attempt, however many handlers finish meanwhile.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    this.metrics.count("transaction_seconds_total", {}, (performance.now() - started) / 1000);
    this.metrics.set("in_flight", this.#workload.size);
    this.metrics.set("running", this.#workload.running);
  }

  /** One transaction for both: at high rates half of the commits. */
  async #settleAndClaim(client: Client, finished: ReturnType<Workload["takeFinished"]>): Promise<void> {
    const { delivered, failures } = finished;
    const { queue: name, job, perTenant, leaseMs, pollMs } = this.#options;
    const given = this.#stopping ? this.#workload.takeWaiting() : [];
    const free = this.#options.batch - this.#workload.size + delivered.length + failures.length;
    const wanted = !this.#stopping && free >= this.#options.batch / 2 && this.#claimIsDue() ? free : 0;
    if (delivered.length + failures.length + given.length + wanted === 0) return;

    const queue = queueOn(client, name);
    const { acked, statuses, claimed } = await asJob(client, job, async () => {
      const acked = await queue.ack(delivered);
      const statuses: ("pending" | "dead" | null)[] = [];
      for (const failure of failures) statuses.push(await queue.fail(failure));
      await queue.release(given);
      const claimed = wanted > 0 ? await queue.claim(this.worker, wanted, perTenant, leaseMs) : null;
      return { acked, statuses, claimed };
    });

    // What is put back after an error has been taken out again: nothing below may throw.
    const settled = [...delivered, ...failures.map(({ event }) => event), ...given];
    finished.delivered = [];
    finished.failures = [];
    this.#workload.forget(settled);
    this.metrics.count("acked_total", {}, acked.size);
    const refused = delivered.length - acked.size + statuses.filter((status) => status === null).length;
    this.metrics.count("stale_total", {}, refused);
    this.metrics.count("released_total", {}, given.length);
    for (const status of statuses)
      if (status) this.metrics.count("failed_total", { outcome: status === "dead" ? "dead" : "retry" });
    if (!claimed) return;
    this.metrics.count("claims_total");
    this.metrics.count("claimed_total", {}, claimed.length);
    this.#more = claimed.length === wanted;
    this.#nextClaim = performance.now() + pollMs;
    this.#workload.add(claimed);
  }

  #claimIsDue(): boolean {
    return this.#more || performance.now() >= this.#nextClaim;
  }

  async #keepHouse(client: Client): Promise<void> {
    const { queue: name, job, leaseMs, sweepMs, expireHolds } = this.#options;
    const queue = queueOn(client, name);
    if (performance.now() >= this.#nextExtension) {
      const events = this.#workload.events;
      const kept = await asJob(client, job, () => queue.extend(events, leaseMs));
      const lost = events.filter((event) => !kept.has(keyOf(event)));
      // Those settled meanwhile were in no list of ours any more.
      this.#workload.lose(lost);
      this.metrics.count("lost_leases_total", {}, lost.length);
      this.#nextExtension = performance.now() + leaseMs / 3;
    }
    if (!this.#stopping && performance.now() >= this.#nextSweep) {
      this.#nextSweep = performance.now() + sweepMs;
      const { swept, expired } = await asJob(client, job, async () => ({
        swept: await queue.sweep(),
        expired: expireHolds ? await queue.expireHolds() : 0,
      }));
      this.metrics.count("sweep_returned_total", {}, swept.returned);
      this.metrics.count("sweep_buried_total", {}, swept.buried);
      this.metrics.count("sweep_late_total", {}, swept.late ? 1 : 0);
      this.metrics.count("holds_expired_total", {}, expired);
      if (swept.returned > 0 || swept.late) this.#nextClaim = 0;
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

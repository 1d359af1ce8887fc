import type { Client } from "pg";
import type { DispatcherOptions } from "./dispatcher.ts";
import type { OutboxEvent } from "./event.ts";
import type { Work } from "./lane.ts";
import type { Metrics } from "./metrics.ts";
import { asJob, keyOf, queueOn } from "./queue.ts";
import type { Finished, Workload } from "./workload.ts";

/** When a dispatcher is to stop, and how far it is. */
export interface Stopping {
  /** As of performance.now(): handlers have so long. */
  until: number;
  /** Nothing more will be claimed. */
  claimed: boolean;
}

/** Tells the server what has become of events, keeps the leases of those at work, and sweeps. */
export class Settling implements Work {
  readonly #options: DispatcherOptions;
  readonly #workload: Workload;
  readonly #metrics: Metrics;
  readonly #stopping: () => Stopping | null;
  readonly #connected: () => boolean;
  /** Called when there is room for more events. */
  readonly #settled: (sooner: boolean) => void;
  #nextSweep = 0;
  #nextExtension: number;

  constructor(
    options: DispatcherOptions,
    workload: Workload,
    metrics: Metrics,
    about: { stopping: () => Stopping | null; connected: () => boolean; settled: (sooner: boolean) => void },
  ) {
    this.#options = options;
    this.#workload = workload;
    this.#metrics = metrics;
    this.#stopping = about.stopping;
    this.#connected = about.connected;
    this.#settled = about.settled;
    this.#nextExtension = performance.now() + options.leaseMs / 3;
  }

  finished(): boolean {
    const stopping = this.#stopping();
    if (!stopping) return false;
    const late = performance.now() > stopping.until;
    if (late && !this.#connected()) return true;
    return (stopping.claimed || late) && this.#workload.size === 0;
  }

  pause(): number {
    const stopping = this.#stopping();
    const now = performance.now();
    if (stopping) return Math.max(10, Math.min(stopping.until, this.#nextExtension) - now);
    return Math.max(0, Math.min(this.#nextSweep, this.#nextExtension) - now);
  }

  async turn(client: Client): Promise<void> {
    const stopping = this.#stopping();
    if (stopping && performance.now() > stopping.until) {
      this.#workload.abandon("the dispatcher stopped before this was done");
    }
    const finished = this.#workload.takeFinished();
    const given = stopping ? this.#workload.takeWaiting() : [];
    try {
      await this.#settle(
        client,
        finished,
        given.map(({ event }) => event),
      );
    } catch (error) {
      this.#workload.putBack(finished);
      this.#workload.putBackWaiting(given);
      throw error;
    }
    if (performance.now() >= this.#nextExtension) await this.#extend(client);
    if (!stopping && performance.now() >= this.#nextSweep) await this.#sweep(client);
  }

  failed(error: unknown): number {
    this.#metrics.count("connection_failures_total", { connection: "settle" });
    this.#options.log(`settling failed: ${error instanceof Error ? error.message : error}`);
    return 100;
  }

  async #settle(client: Client, { delivered, failures }: Finished, given: OutboxEvent[]): Promise<void> {
    if (delivered.length + failures.length + given.length === 0) return;
    const started = performance.now();
    const queue = queueOn(client, this.#options.queue);
    const { acked, statuses } = await asJob(client, this.#options.job, async () => {
      const acked = await queue.ack(delivered);
      const statuses: ("pending" | "dead" | null)[] = [];
      for (const failure of failures) statuses.push(await queue.fail(failure));
      await queue.release(given);
      return { acked, statuses };
    });
    this.#workload.forget([...delivered, ...failures.map(({ event }) => event), ...given]);
    this.#metrics.count("acked_total", {}, acked.size);
    const refused = delivered.length - acked.size + statuses.filter((status) => status === null).length;
    this.#metrics.count("stale_total", {}, refused);
    this.#metrics.count("released_total", {}, given.length);
    for (const status of statuses)
      if (status) this.#metrics.count("failed_total", { outcome: status === "dead" ? "dead" : "retry" });
    this.#metrics.count("transaction_seconds_total", { of: "settle" }, (performance.now() - started) / 1000);
    this.#settled(false);
  }

  async #extend(client: Client): Promise<void> {
    const { queue, job, leaseMs } = this.#options;
    const events = this.#workload.events;
    const kept = await asJob(client, job, () => queueOn(client, queue).extend(events, leaseMs));
    const lost = events.filter((event) => !kept.has(keyOf(event)));
    this.#workload.lose(lost);
    this.#metrics.count("lost_leases_total", {}, lost.length);
    this.#nextExtension = performance.now() + leaseMs / 3;
    if (lost.length > 0) this.#settled(false);
  }

  async #sweep(client: Client): Promise<void> {
    const { queue: name, job, sweepMs, expireHolds } = this.#options;
    const queue = queueOn(client, name);
    this.#nextSweep = performance.now() + sweepMs;
    const { swept, expired } = await asJob(client, job, async () => ({
      swept: await queue.sweep(),
      expired: expireHolds ? await queue.expireHolds() : 0,
    }));
    this.#metrics.count("sweep_returned_total", {}, swept.returned);
    this.#metrics.count("sweep_buried_total", {}, swept.buried);
    this.#metrics.count("sweep_late_total", {}, swept.late ? 1 : 0);
    this.#metrics.count("holds_expired_total", {}, expired);
    if (swept.returned > 0 || swept.late) this.#settled(true);
  }
}

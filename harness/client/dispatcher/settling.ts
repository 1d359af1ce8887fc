import type { Client } from "pg";
import { asJob } from "../background-job.ts";
import type { OutboxEvent } from "./event.ts";
import type { Work } from "./lane.ts";
import type { Metrics } from "./metrics.ts";
import type { DispatcherOptions } from "./options.ts";
import { keyOf, queueOn } from "./queue.ts";
import { isRowError } from "./row-error.ts";
import { sweep } from "./sweeping.ts";
import type { Finished, Workload } from "./workload.ts";

/** When a dispatcher is to stop, and how far it is. */
export interface Stopping {
  /** As of performance.now(): handlers have so long. */
  until: number;
  /** Nothing more will be claimed. */
  claimed: boolean;
}

/** So often at least a worker says that it is there. */
const reportMs = 20_000;

/** What is to be told in one transaction. */
interface Change extends Finished {
  given: OutboxEvent[];
  starting: OutboxEvent[];
}

/** Tells the server what begins and what has become of events, keeps the leases of those at work, and sweeps. */
export class Settling implements Work {
  readonly #options: DispatcherOptions;
  readonly #worker: string;
  readonly #workload: Workload;
  readonly #metrics: Metrics;
  readonly #stopping: () => Stopping | null;
  readonly #connected: () => boolean;
  /** Called when there is room for more events. */
  readonly #settled: (sooner: boolean) => void;
  #nextSweep = 0;
  #nextExtension: number;
  #nextReport = 0;
  #reported: string | null = null;
  #left = false;

  constructor(
    options: DispatcherOptions,
    worker: string,
    workload: Workload,
    metrics: Metrics,
    about: { stopping: () => Stopping | null; connected: () => boolean; settled: (sooner: boolean) => void },
  ) {
    this.#options = options;
    this.#worker = worker;
    this.#workload = workload;
    this.#metrics = metrics;
    this.#stopping = about.stopping;
    this.#connected = about.connected;
    this.#settled = about.settled;
    this.#nextExtension = performance.now() + options.leaseMs / 3;
  }

  /** The server knows of this worker: before that, nothing may be claimed. */
  get known(): boolean {
    return this.#reported !== null;
  }

  finished(): boolean {
    const stopping = this.#stopping();
    if (!stopping) return false;
    if (performance.now() > stopping.until && !this.#connected()) return true;
    return this.#left;
  }

  pause(): number {
    const stopping = this.#stopping();
    const now = performance.now();
    if (stopping) return Math.max(10, Math.min(stopping.until, this.#nextExtension) - now);
    return Math.max(0, Math.min(this.#nextSweep, this.#nextExtension, this.#nextReport) - now);
  }

  async turn(client: Client): Promise<void> {
    const stopping = this.#stopping();
    const late = stopping !== null && performance.now() > stopping.until;
    if (late) this.#workload.abandon("the dispatcher stopped before this was done");
    if (!this.known) await this.#report(client);
    const finished = this.#workload.takeFinished();
    const given = this.#workload.takeWaiting(stopping !== null);
    const starting = stopping ? [] : this.#workload.toStart();
    try {
      await this.#settle(client, { ...finished, given, starting });
    } catch (error) {
      this.#workload.putBack(finished);
      this.#workload.putBackWaiting(given);
      this.#workload.dontBegin();
      throw error;
    }
    this.#workload.begin();
    if (performance.now() >= this.#nextExtension) await this.#extend(client);
    if (!stopping && performance.now() >= this.#nextSweep) await this.#sweep(client);
    if (performance.now() >= this.#nextReport || circuitsOf(this.#workload) !== this.#reported)
      await this.#report(client);
    if (stopping && (stopping.claimed || late) && this.#workload.size === 0) await this.#leave(client);
  }

  failed(error: unknown): number {
    this.#metrics.count("connection_failures_total", { connection: "settle" });
    this.#options.log(`settling failed: ${error instanceof Error ? error.message : error}`);
    return 100;
  }

  async #settle(client: Client, change: Change): Promise<void> {
    const { delivered, failures, given, starting } = change;
    if (delivered.length + failures.length + given.length + starting.length === 0) return;
    const started = performance.now();
    try {
      await this.#tell(client, change);
    } catch (error) {
      if (!isRowError(error)) throw error;
      await this.#tellSingly(client, change);
    }
    this.#workload.forget([...delivered, ...failures.map(({ event }) => event), ...given]);
    this.#metrics.count("transaction_seconds_total", { of: "settle" }, (performance.now() - started) / 1000);
    if (delivered.length + failures.length + given.length > 0) this.#settled(false);
  }

  async #tell(client: Client, { delivered, failures, given, starting }: Change): Promise<void> {
    const queue = queueOn(client, this.#options.queue);
    const { acked, statuses } = await asJob(client, this.#options.job, async () => {
      const acked = await queue.ack(delivered);
      const statuses = await queue.fail(failures);
      await queue.release(given);
      await queue.start(this.#worker, starting);
      return { acked, statuses };
    });
    this.#metrics.count("acked_total", {}, acked.size);
    this.#metrics.count("stale_total", {}, delivered.length - acked.size + failures.length - statuses.size);
    this.#metrics.count("released_total", {}, given.length);
    for (const status of statuses.values())
      this.#metrics.count("failed_total", { outcome: status === "dead" ? "dead" : "retry" });
  }

  /** Something about one of them is refused: the others are told nevertheless. That one is left to the end of its lease. */
  async #tellSingly(client: Client, { delivered, failures, given, starting }: Change): Promise<void> {
    const nothing: Change = { delivered: [], failures: [], given: [], starting: [] };
    const changes: [OutboxEvent | null, Change][] = [
      ...delivered.map((event): [OutboxEvent, Change] => [event, { ...nothing, delivered: [event] }]),
      ...failures.map((failure): [OutboxEvent, Change] => [
        failure.event,
        { ...nothing, failures: [failure] },
      ]),
      ...given.map((event): [OutboxEvent, Change] => [event, { ...nothing, given: [event] }]),
      [null, { ...nothing, starting }],
    ];
    for (const [event, change] of changes) {
      try {
        await this.#tell(client, change);
      } catch (error) {
        if (!event || !isRowError(error)) throw error;
        this.#metrics.count("refused_total");
        this.#options.log(
          `${keyOf(event)} cannot be settled: ${error instanceof Error ? error.message : error}`,
        );
      }
    }
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
    const { queue, sweepMs } = this.#options;
    this.#nextSweep = performance.now() + sweepMs;
    if (await sweep(client, queueOn(client, queue), this.#options, this.#metrics)) this.#settled(true);
    this.#workload.tenants.tidy();
  }

  async #report(client: Client): Promise<void> {
    const { queue, job } = this.#options;
    const circuits = this.#workload.tenants.circuits();
    await asJob(client, job, () =>
      queueOn(client, queue).report(this.#worker, this.#workload.started, circuits),
    );
    const first = !this.known;
    this.#reported = Object.keys(circuits).join();
    this.#nextReport = performance.now() + reportMs;
    if (first) this.#settled(true);
  }

  async #leave(client: Client): Promise<void> {
    const { queue, job } = this.#options;
    await asJob(client, job, () => queueOn(client, queue).leave(this.#worker));
    this.#left = true;
  }
}

const circuitsOf = (workload: Workload) => Object.keys(workload.tenants.circuits()).join();

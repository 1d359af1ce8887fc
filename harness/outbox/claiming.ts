import type { Client } from "pg";
import type { DispatcherOptions } from "./dispatcher.ts";
import type { Work } from "./lane.ts";
import type { Metrics } from "./metrics.ts";
import { asJob, queueOn } from "./queue.ts";
import type { Workload } from "./workload.ts";

/** Keeps the workload full. Claims go on while what was claimed before is at work and being settled. */
export class Claiming implements Work {
  readonly #options: DispatcherOptions;
  readonly #worker: string;
  readonly #workload: Workload;
  readonly #metrics: Metrics;
  readonly #stopping: () => boolean;
  /** The last claim was full, so that there is most likely more. */
  #more = true;
  #next = 0;

  constructor(
    options: DispatcherOptions,
    worker: string,
    workload: Workload,
    metrics: Metrics,
    stopping: () => boolean,
  ) {
    this.#options = options;
    this.#worker = worker;
    this.#workload = workload;
    this.#metrics = metrics;
    this.#stopping = stopping;
  }

  /** Something has been added to the queue. */
  hear(): void {
    this.#next = 0;
  }

  finished(): boolean {
    return this.#stopping();
  }

  pause(): number {
    if (this.#room() === 0) return this.#options.pollMs;
    return this.#more ? 0 : Math.max(0, this.#next - performance.now());
  }

  async turn(client: Client): Promise<void> {
    const { queue, job, perTenant, leaseMs, pollMs } = this.#options;
    const wanted = this.#more || performance.now() >= this.#next ? this.#room() : 0;
    if (wanted === 0) return;
    const started = performance.now();
    // From now on: what is heard while the claim is under way may have come too late for it.
    this.#next = started + pollMs;
    const claimed = await asJob(client, job, () =>
      queueOn(client, queue).claim(this.#worker, wanted, perTenant, leaseMs),
    );
    this.#more = claimed.length === wanted;
    this.#metrics.count("claims_total");
    this.#metrics.count("claimed_total", {}, claimed.length);
    this.#metrics.count("transaction_seconds_total", { of: "claim" }, (performance.now() - started) / 1000);
    this.#workload.add(claimed);
  }

  failed(error: unknown): number {
    this.#metrics.count("connection_failures_total", { connection: "claim" });
    this.#options.log(`a claim failed: ${error instanceof Error ? error.message : error}`);
    this.#more = false;
    return Math.min(100, this.#options.pollMs);
  }

  /** How many events to ask for: half of the batch, since larger claims cost less an event, and while one half is settled the other can come. */
  #room(): number {
    const half = Math.ceil(this.#options.batch / 2);
    return this.#options.batch - this.#workload.size >= half ? half : 0;
  }
}

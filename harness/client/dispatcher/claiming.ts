import type { Client } from "pg";
import { asJob } from "../background-job.ts";
import type { OutboxEvent } from "./event.ts";
import type { Work } from "./lane.ts";
import type { Metrics } from "./metrics.ts";
import type { DispatcherOptions } from "./options.ts";
import { type Allowances, queueOn } from "./queue.ts";
import type { Workload } from "./workload.ts";

/**
 * A claim of so many visits each tenant for one; larger ones, which are made when events go quickly, stay longer with each, as it costs less.
 */
const eventsATurn = 100;

/** Keeps the workload full. Claims go on while what was claimed before is at work and being settled. */
export class Claiming implements Work {
  readonly #options: DispatcherOptions;
  readonly #worker: string;
  readonly #workload: Workload;
  readonly #metrics: Metrics;
  readonly #about: { stopping: () => boolean; known: () => boolean };
  /** Of whom the last claim took as much as it might: there is most likely more. */
  #capped: string[] = [];
  /** The last claim was full, so that there is most likely more. */
  #more = true;
  #next = 0;

  constructor(
    options: DispatcherOptions,
    worker: string,
    workload: Workload,
    metrics: Metrics,
    about: { stopping: () => boolean; known: () => boolean },
  ) {
    this.#options = options;
    this.#worker = worker;
    this.#workload = workload;
    this.#metrics = metrics;
    this.#about = about;
  }

  /** Something has been added to the queue. */
  hear(): void {
    this.#next = 0;
  }

  /** Events have been settled. */
  look(): void {
    if (this.#capped.some((tenant) => this.#workload.tenants.allowance(tenant) > 0)) this.#next = 0;
  }

  finished(): boolean {
    return this.#about.stopping();
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
    const allowed = this.#workload.tenants.allowances();
    const claimed = await asJob(client, job, () =>
      queueOn(client, queue).claim(
        this.#worker,
        wanted,
        perTenant ?? Math.ceil(wanted / eventsATurn),
        leaseMs,
        allowed,
      ),
    );
    this.#more = claimed.length === wanted;
    this.#capped = cappedOf(claimed, allowed);
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

  #room(): number {
    return this.#about.known() ? this.#workload.room : 0;
  }
}

function cappedOf(events: readonly OutboxEvent[], { tenants, allowances, each }: Allowances): string[] {
  const taken = new Map<string, number>();
  for (const { tenant } of events) taken.set(tenant, (taken.get(tenant) ?? 0) + 1);
  const allowed = new Map(tenants.map((tenant, at) => [tenant, allowances[at] ?? 0]));
  return [...taken]
    .filter(([tenant, count]) => count >= (allowed.get(tenant) ?? each))
    .map(([tenant]) => tenant);
}

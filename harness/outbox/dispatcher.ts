import { hostname } from "node:os";
import type { Client } from "pg";
import { Claiming } from "./claiming.ts";
import type { Handler } from "./event.ts";
import { Lane } from "./lane.ts";
import { listen } from "./listen.ts";
import { Metrics } from "./metrics.ts";
import { Settling, type Stopping } from "./settling.ts";
import { Workload } from "./workload.ts";

export interface DispatcherOptions {
  /** Opens a connection; a transaction pooler will do. One is used to claim, one to settle. */
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
  readonly #claiming: Lane;
  readonly #settling: Lane;
  readonly #hear: () => void;
  #stopping: Stopping | null = null;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.metrics = options.metrics ?? new Metrics();
    const workload = new Workload(options.handler, options.queue, options.concurrency, (seconds) => {
      this.metrics.count("handler_seconds_total", {}, seconds);
      this.#settling.call();
    });
    this.metrics.gauge("in_flight", () => workload.size);
    this.metrics.gauge("running", () => workload.running);
    const claiming = new Claiming(
      options,
      this.worker,
      workload,
      this.metrics,
      () => this.#stopping !== null,
    );
    const settling = new Settling(options, workload, this.metrics, {
      stopping: () => this.#stopping,
      connected: () => this.#settling.connected,
      settled: (sooner) => {
        if (sooner) claiming.hear();
        this.#claiming.call();
      },
    });
    this.#hear = () => {
      claiming.hear();
      this.#claiming.call();
    };
    this.#claiming = this.#lane("claim", claiming);
    this.#settling = this.#lane("settle", settling);
  }

  get healthy(): boolean {
    return this.#claiming.connected && this.#settling.connected;
  }

  /** Works until `stop()`; returns when what it held has been settled or given back. */
  async run(): Promise<void> {
    const { connectToListen, channel, queue } = this.#options;
    const ears =
      connectToListen === null ? null : listen(connectToListen, channel, queue, this.#hear, this.metrics);
    try {
      await Promise.all([this.#claim(), this.#settling.run()]);
    } finally {
      await ears?.close();
      await Promise.all([this.#claiming.close(), this.#settling.close()]);
    }
  }

  stop(): void {
    if (this.#stopping) return;
    this.#stopping = { until: performance.now() + this.#options.graceMs, claimed: false };
    // A claim that is under way ends first, and what it brings is given back.
    if (!this.#claiming.connected) void this.#claiming.close();
    this.#claiming.hurry();
    this.#settling.hurry();
    // Without a connection nothing can be given back: the leases will end by themselves.
    const giveUp = setTimeout(() => {
      if (!this.#settling.connected) void this.#settling.close();
      else giveUp.refresh();
    }, this.#options.graceMs);
    giveUp.unref();
  }

  async #claim(): Promise<void> {
    await this.#claiming.run();
    if (this.#stopping) this.#stopping.claimed = true;
    this.#settling.call();
  }

  #lane(connection: string, work: Claiming | Settling): Lane {
    const broken = (error: unknown, pauseMs: number) => {
      this.metrics.count("connection_failures_total", { connection });
      const message = error instanceof Error ? error.message : String(error);
      this.#options.log(`${message}; trying again in ${Math.round(pauseMs)} ms`);
    };
    return new Lane(this.#options.connect, broken, work);
  }
}

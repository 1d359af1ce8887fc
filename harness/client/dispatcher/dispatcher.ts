import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { Claiming } from "./claiming.ts";
import { Lane } from "./lane.ts";
import { listen } from "./listen.ts";
import { Metrics } from "./metrics.ts";
import type { DispatcherOptions } from "./options.ts";
import { Settling, type Stopping } from "./settling.ts";
import { Workload } from "./workload.ts";

/**
 * Claims events, has them handled and settles them: at least once each, fairly between tenants. All that it knows about time are
 * lengths; what is due and which lease has ended is decided by the server's clock.
 */
export class Dispatcher {
  readonly metrics: Metrics;
  /** Never that of another process: containers share names and numbers. */
  readonly worker = `${hostname()}:${process.pid}:${randomBytes(3).toString("hex")}`;
  readonly #options: DispatcherOptions;
  readonly #claiming: Lane;
  readonly #settling: Lane;
  readonly #hear: () => void;
  readonly #workload: Workload;
  #stopping: Stopping | null = null;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.metrics = options.metrics ?? new Metrics();
    const { handler, queue, concurrency, batch } = options;
    const workload = new Workload({
      ...{ handler, queue, concurrency, batch },
      perTenantRunning: options.perTenantRunning ?? Math.ceil(concurrency / 2),
      handlerTimeoutMs: options.handlerTimeoutMs ?? 30_000,
      metrics: this.metrics,
      changed: () => this.#settling.call(),
    });
    this.#workload = workload;
    const claiming = new Claiming(options, this.worker, workload, this.metrics, {
      stopping: () => this.#stopping !== null,
      known: () => settling.known,
    });
    const settling: Settling = new Settling(options, this.worker, workload, this.metrics, {
      stopping: () => this.#stopping,
      connected: () => this.#settling.connected,
      settled: (sooner) => {
        if (sooner) claiming.hear();
        else claiming.look();
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

  /** Events that are still leased to it. */
  get held(): number {
    return this.#workload.size;
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

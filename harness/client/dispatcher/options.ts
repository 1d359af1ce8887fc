import type { Client } from "pg";
import type { Handler } from "./event.ts";
import type { Metrics } from "./metrics.ts";

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
  /** Handlers at a time of one tenant (default: half of `concurrency`): one that hangs leaves the rest to the others. */
  perTenantRunning?: number;
  /** A handler that has not returned after that is aborted and its event has failed (default: 30 s). */
  handlerTimeoutMs?: number;
  /** Events leased at a time, at most. It begins with 100, and takes more the quicker they go. */
  batch: number;
  /** Events of one tenant in a round of a claim (default: one, and more in larger claims). */
  perTenant?: number | undefined;
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

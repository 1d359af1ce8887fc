/** The figures of a dispatcher. */
export interface DispatchSettings {
  /** Handlers at a time. */
  concurrency: number;
  /** Of one tenant. */
  perTenantRunning: number;
  handlerTimeoutMs: number;
  /** Events leased at a time, at most. */
  batch: number;
  /** Events of a tenant in a round; undefined: 1, and more in large claims. */
  perTenant: number | undefined;
  leaseMs: number;
  pollMs: number;
  sweepMs: number;
  /** How long to wait for handlers when stopping. */
  graceMs: number;
}

export const defaultSettings: DispatchSettings = {
  concurrency: 10,
  perTenantRunning: 5,
  handlerTimeoutMs: 30_000,
  batch: 2000,
  perTenant: undefined,
  leaseMs: 60_000,
  pollMs: 1000,
  sweepMs: 10_000,
  graceMs: 20_000,
};

import type { Metrics } from "./metrics.ts";
import type { Allowances, Circuits } from "./queue.ts";
import { TenantWork } from "./tenant-work.ts";

/** Everybody of whom this dispatcher has something, or has had lately. */
export class Tenants {
  readonly #perTenantRunning: number;
  readonly #metrics: Metrics;
  readonly #all = new Map<string, TenantWork>();
  /** Whose circuit has opened and not closed since. */
  readonly #troubled = new Set<string>();

  constructor(perTenantRunning: number, metrics: Metrics) {
    this.#perTenantRunning = perTenantRunning;
    this.#metrics = metrics;
    metrics.gauge("open_circuits", () => this.#troubled.size);
  }

  of(id: string): TenantWork {
    let tenant = this.#all.get(id);
    if (!tenant) {
      tenant = new TenantWork(this.#perTenantRunning);
      this.#all.set(id, tenant);
    }
    return tenant;
  }

  /** Who may be leased how many more; nobody else more than `each`. */
  allowances(): Allowances {
    const now = performance.now();
    const answer: Allowances = { tenants: [], allowances: [], each: 2 * this.#perTenantRunning };
    for (const [tenant, work] of this.#all) {
      const left = Math.max(0, work.mayHold(now) - work.held);
      if (left === answer.each) continue;
      answer.tenants.push(tenant);
      answer.allowances.push(left);
    }
    return answer;
  }

  /** How much more of a tenant may be leased. */
  allowance(id: string): number {
    const work = this.#all.get(id);
    return work ? work.mayHold(performance.now()) - work.held : 2 * this.#perTenantRunning;
  }

  /** Those that are left alone for now, and for how long. */
  circuits(): Circuits {
    const now = performance.now();
    return Object.fromEntries(
      [...this.#troubled].map((id) => {
        const { failures, until } = this.of(id).circuit;
        return [id, { failures, seconds: Math.max(0, Math.round((until - now) / 1000)) }];
      }),
    );
  }

  /** Of whom nothing may be begun. */
  barred(): string[] {
    const now = performance.now();
    return [...this.#troubled].filter((id) => this.of(id).circuit.state(now) === "open");
  }

  answered(id: string): void {
    this.of(id).circuit.answered();
    this.#troubled.delete(id);
  }

  failed(id: string, inTime: boolean): void {
    if (!this.of(id).circuit.failed(performance.now(), inTime)) return;
    this.#troubled.add(id);
    this.#metrics.count("circuits_opened_total");
  }

  /** Forgets those of whom there is nothing to be known. */
  tidy(): void {
    const now = performance.now();
    for (const [id, work] of this.#all) if (work.idle(now)) this.#all.delete(id);
  }
}

import { Circuit } from "./circuit.ts";
import { Pace } from "./pace.ts";

/** What a dispatcher knows of one tenant, and how much of it that allows it to take. */
export class TenantWork {
  readonly pace = new Pace();
  readonly circuit = new Circuit();
  /** Handlers at work. */
  running = 0;
  /** Events leased, whatever has become of them. */
  held = 0;
  readonly #perTenantRunning: number;

  constructor(perTenantRunning: number) {
    this.#perTenantRunning = perTenantRunning;
  }

  /** Handlers at a time. */
  mayRun(now: number): number {
    const state = this.circuit.state(now);
    return state === "open" ? 0 : state === "half-open" ? 1 : this.#perTenantRunning;
  }

  /** Events begun or about to be: more for whom they go quickly, so that those of a tenant that hangs never fill the line. */
  mayStart(now: number): number {
    return this.circuit.state(now) === "closed"
      ? Math.max(this.#perTenantRunning, 2 * this.pace.recent(now))
      : this.mayRun(now);
  }

  /** Events leased. */
  mayHold(now: number): number {
    return this.circuit.state(now) === "closed"
      ? Math.max(2 * this.#perTenantRunning, 4 * this.pace.recent(now))
      : this.mayRun(now);
  }

  /** Nothing is lost by forgetting it. */
  idle(now: number): boolean {
    return (
      this.held === 0 && this.running === 0 && this.circuit.failures === 0 && this.pace.recent(now) === 0
    );
  }
}

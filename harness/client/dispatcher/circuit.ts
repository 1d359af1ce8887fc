const failuresToOpen = 5;
const firstPauseMs = 5_000;
const longestPauseMs = 300_000;

/**
 * Whether a tenant's receiver is worth asking. Five failures in a row, or one handler that did not answer in time, open it: the tenant is left
 * alone for a while, then one event is tried. If that fails too, the pause doubles; an answer closes it.
 */
export class Circuit {
  #failures = 0;
  #pauses = 0;
  #until = 0;

  /** Consecutive failures. */
  get failures(): number {
    return this.#failures;
  }

  /** Until then it is left alone, as of performance.now(). */
  get until(): number {
    return this.#until;
  }

  state(now: number): "closed" | "open" | "half-open" {
    if (this.#pauses === 0) return "closed";
    return now < this.#until ? "open" : "half-open";
  }

  answered(): void {
    this.#failures = 0;
    this.#pauses = 0;
  }

  /** True if that has opened it. */
  failed(now: number, inTime: boolean): boolean {
    this.#failures++;
    const state = this.state(now);
    // What was at work when it opened says nothing new.
    if (state === "open" || (state === "closed" && inTime && this.#failures < failuresToOpen)) return false;
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#pauses, 10));
    this.#until = now + pause * (0.5 + Math.random() / 2);
    this.#pauses++;
    return true;
  }
}

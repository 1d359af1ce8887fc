import { setTimeout as sleep } from "node:timers/promises";

/** Lets so many rows a second through, over all that share it. */
export class Pace {
  readonly #msPerRow: number;
  #free = performance.now();

  /** @param rowsPerSecond undefined: no limit */
  constructor(rowsPerSecond: number | undefined) {
    this.#msPerRow = rowsPerSecond ? 1000 / rowsPerSecond : 0;
  }

  /** Waits until the rows taken before have had their time. */
  async turn(): Promise<void> {
    const wait = this.#free - performance.now();
    if (this.#msPerRow > 0 && wait > 0) await sleep(wait);
  }

  took(rows: number): void {
    this.#free = Math.max(this.#free, performance.now()) + rows * this.#msPerRow;
  }
}

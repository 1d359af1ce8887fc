const window = 250;

/** How many of something there were lately: in the quarter of a second that runs, or the one before, whichever had more. */
export class Pace {
  #from = 0;
  #count = 0;
  #before = 0;

  count(now: number): void {
    this.#turn(now);
    this.#count++;
  }

  recent(now: number): number {
    this.#turn(now);
    return Math.max(this.#before, this.#count);
  }

  #turn(now: number): void {
    const passed = now - this.#from;
    if (passed < window) return;
    this.#before = passed < 2 * window ? this.#count : 0;
    this.#count = 0;
    this.#from = now;
  }
}

/** Wakes one loop. What happens while it is awake is remembered once: however often it is called, the loop goes round once more. */
export class WakeUp {
  #woken = false;
  #resolve: (() => void) | null = null;

  call(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  /** Returns when called, or after so many milliseconds; at once if it has been called since the last time. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#resolve = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#resolve = null;
    this.#woken = false;
  }
}

import type { HandlerContext, OutboxEvent } from "./event.ts";

/** An event that is leased to us, and what its handler gets to know besides. */
export class Held implements HandlerContext {
  readonly event: OutboxEvent;
  readonly queue: string;
  /** In its handler. */
  working = false;
  #aborted = false;
  #controller: AbortController | null = null;

  constructor(event: OutboxEvent, queue: string) {
    this.event = event;
    this.queue = queue;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  /** Made for handlers that ask for it: it costs as much as all else that is done for an event here. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}

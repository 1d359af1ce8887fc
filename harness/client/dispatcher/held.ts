import type { HandlerContext, OutboxEvent } from "./event.ts";

/** An event that is leased to us, and what its handler gets to know besides. */
export class Held implements HandlerContext {
  readonly event: OutboxEvent;
  readonly queue: string;
  /** When its handler began, as of performance.now(); null while none is at work on it. */
  begunAt: number | null = null;
  /** What nobody waited for failed before its handler was done. */
  stray: { error: unknown } | null = null;
  #aborted = false;
  #reason: unknown;
  #controller: AbortController | null = null;

  constructor(event: OutboxEvent, queue: string) {
    this.event = event;
    this.queue = queue;
  }

  /** What becomes of it is decided: its handler is not listened to any more. */
  get aborted(): boolean {
    return this.#aborted;
  }

  /** It may have taken its worker down before: see the column lost_leases. */
  get suspect(): boolean {
    return this.event.lost_leases > 0;
  }

  /** Made for handlers that ask for it: it costs as much as all else that is done for an event here. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: string): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = new DOMException(reason, "AbortError");
    this.#controller?.abort(this.#reason);
  }
}

/** An event that this worker has leased. */
export interface OutboxEvent {
  /** The restaurant whose event it is. Sets the context of whatever the handler does in the database. */
  tenant: string;
  /** Unique within the tenant and the queue; with both it makes the key of an idempotent receiver. A bigint, hence text. */
  id: string;
  /** Of the lease, a bigint: acknowledged is under this only. */
  token: string;
  /** From 1. More than 1: it may have been delivered before. */
  attempt: number;
  event_type: string;
  payload: Record<string, unknown>;
  dedupe_key: string | null;
  idempotency_key: string | null;
  created_at: Date;
  /** What this queue's events have besides, such as the destination of a message. */
  attributes: Record<string, unknown>;
}

export interface HandlerContext {
  /** Aborted when the lease is lost or the dispatcher cannot wait any longer: what is done from then on may be done twice. */
  signal: AbortSignal;
  queue: string;
}

/**
 * What a handler module exports as `default` or `handle`. It returns when the event is delivered. It throws when it is not: then
 * the event is tried again after a back-off, or after `retryAfterMs` of the error, or never if its `retry` is false.
 */
export type Handler = (event: OutboxEvent, context: HandlerContext) => Promise<unknown> | unknown;

/** Fields of an error by which a handler says what should become of the event. */
export interface HandlerError {
  retry?: boolean;
  retryAfterMs?: number;
}

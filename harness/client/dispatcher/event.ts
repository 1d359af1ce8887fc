/** An event that this worker has leased. */
export interface OutboxEvent {
  /** The restaurant whose event it is. Sets the context of whatever the handler does in the database. */
  tenant: string;
  /** Unique within the tenant and the queue; with both it makes the key of an idempotent receiver. A bigint, hence text. */
  id: string;
  /** Of the lease, a bigint: acknowledged is under this only. */
  token: string;
  /** From 1, counting those that failed. More than 1: it may have been delivered before. */
  attempt: number;
  /** Leases in a row that ended while its handler was at work: more than 0, it may have been delivered before too. */
  lost_leases: number;
  event_type: string;
  payload: Record<string, unknown>;
  dedupe_key: string | null;
  idempotency_key: string | null;
  created_at: Date;
  /** What this queue's events have besides, such as the destination of a message. */
  attributes: Record<string, unknown>;
}

export interface HandlerContext {
  /** Aborted when the handler has taken too long, the lease is lost or the dispatcher stops: what is done from then on may be done twice. */
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

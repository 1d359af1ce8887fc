import type { Client } from "pg";
import type { WakeUp } from "./wake-up.ts";

/** A connection that is made anew, after growing pauses, for as long as it is wanted. */
export interface LastingConnection {
  /** The open connection; waits until there is one. Null: it is wanted no more. */
  client(): Promise<Client | null>;
  /** Something went wrong on it: the next `client()` opens another. */
  discard(client: Client): void;
  close(): Promise<void>;
}

export interface ConnectionEvents {
  /** A new one is open: for what has to be said first, such as LISTEN. */
  opened?: (client: Client) => Promise<void>;
  /** It broke, or could not be made. */
  broken: (error: unknown, pauseMs: number) => void;
}

const firstPauseMs = 250;
const longestPauseMs = 30_000;

/** `stop` cuts pauses short. */
export function lastingConnection(
  connect: () => Promise<Client>,
  events: ConnectionEvents,
  stop: WakeUp,
): LastingConnection {
  let current: Client | null = null;
  let opening: Promise<Client | null> | null = null;
  let failures = 0;
  let closed = false;

  const open = async (): Promise<Client | null> => {
    while (!closed) {
      try {
        const client = await connect();
        try {
          await events.opened?.(client);
        } catch (error) {
          await client.end().catch(() => undefined);
          throw error;
        }
        if (closed) {
          await client.end().catch(() => undefined);
          return null;
        }
        client.once("end", () => {
          if (current !== client) return;
          current = null;
          events.broken(new Error("the connection broke"), 0);
        });
        failures = 0;
        current = client;
        return client;
      } catch (error) {
        // At random within the upper half, so that a fleet does not come back as one.
        const pauseMs =
          Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2);
        failures++;
        events.broken(error, pauseMs);
        await stop.wait(pauseMs);
      }
    }
    return null;
  };

  function discard(client: Client): void {
    if (current !== client) return;
    current = null;
    void client.end().catch(() => undefined);
  }

  return {
    async client() {
      if (closed) return null;
      if (current) return current;
      opening ??= open().finally(() => {
        opening = null;
      });
      return opening;
    },
    discard,
    async close() {
      closed = true;
      stop.call();
      const client = current;
      current = null;
      await client?.end().catch(() => undefined);
      await opening;
    },
  };
}

import type { Client } from "pg";
import pg from "pg";
import { type LastingConnection, lastingConnection } from "./connection.ts";
import type { Metrics } from "./metrics.ts";
import { WakeUp } from "./wake-up.ts";

/**
 * Calls `wake` when something has been added to a queue, and after each new connection, since what came meanwhile was heard by nobody.
 * It wants a connection of its own that lasts: behind a transaction pooler LISTEN reaches nobody.
 */
export function listen(
  connect: () => Promise<Client>,
  channel: string,
  queue: string,
  wake: () => void,
  metrics: Metrics,
): LastingConnection {
  let connection: LastingConnection;
  const opened = async (client: Client) => {
    client.on("notification", ({ payload }) => {
      if (payload !== queue) return;
      metrics.count("notifications_total");
      wake();
    });
    await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    wake();
  };
  const broken = () => {
    metrics.count("connection_failures_total", { connection: "listen" });
    // Not awaited: this is called from within the attempt to connect, too.
    setImmediate(() => void connection.client());
  };
  connection = lastingConnection(connect, { opened, broken }, new WakeUp());
  void connection.client();
  return connection;
}

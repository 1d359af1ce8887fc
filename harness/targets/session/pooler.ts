import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { connect } from "./connection.ts";

/** Behind a pooler that lends a session for as long as its client stays, a second client may wait for ever. */
const patienceMs = 3_000;

/**
 * Whether this connection leads to a pooler that hands out a server's session for one transaction only, whatever its host and port are
 * called. Costs one question where the server itself answers.
 */
export async function isTransactionPooler(client: Client, url: string): Promise<boolean> {
  const own = await backendOf(client);
  // A server tells its clients which process they have; a pooler makes up a number, by which it knows whom to cancel.
  if (own === (client as unknown as { processID: number | null }).processID) return false;
  const second = await connect(url, { purpose: "pooler check" });
  const shared = async () => {
    // A second client that keeps a session busy: it gets ours, or we get another one.
    await second.query("begin");
    const taken = (await backendOf(second)) === own || (await backendOf(client)) !== own;
    await second.query("rollback");
    return taken;
  };
  try {
    return await Promise.race([shared(), sleep(patienceMs, false, { ref: false })]);
  } finally {
    second.connection.stream.destroy();
  }
}

async function backendOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_catalog.pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { liftTimeouts } from "./lift-timeouts.ts";

/** Long enough for the server to notice that a killed run's client is gone. */
const longestWaitMs = 8_000;

/**
 * Does something with the conversion of a table while no other run does. May be nested.
 * @param patienceMs how long to wait for another run at the most; never longer than 8 s
 * @throws HarnessError `conversion-running`
 */
export async function inTurn<T>(
  client: Client,
  relation: string,
  work: () => Promise<T>,
  patienceMs = longestWaitMs,
): Promise<T> {
  await takeTurn(client, relation, Math.min(patienceMs, longestWaitMs));
  try {
    return await work();
  } finally {
    await client
      .query("select pg_advisory_unlock(1885434485, hashtext($1))", [relation])
      .catch(() => undefined);
  }
}

/** The lock goes with the session, also if it is killed. */
async function takeTurn(client: Client, relation: string, patienceMs: number): Promise<void> {
  // A killed run's session is noticed by its server even in the middle of a long statement.
  await client.query("set client_connection_check_interval = '2s'").catch(() => undefined);
  await liftTimeouts(client);
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const { rows } = await client.query("select pg_try_advisory_lock(1885434485, hashtext($1)) as mine", [
      relation,
    ]);
    if (rows[0].mine) return;
    if (Date.now() > deadline) break;
    await sleep(250);
  }
  const { rows } = await client.query(
    `select l.pid from pg_catalog.pg_locks as l
      where l.locktype = 'advisory' and l.classid = 1885434485 and l.objid = (hashtext($1)::bigint & 4294967295)::oid and l.granted
        and l.database = (select oid from pg_catalog.pg_database where datname = current_database())`,
    [relation],
  );
  throw new HarnessError({
    code: "conversion-running",
    message: `another run is converting ${relation}: session ${rows[0]?.pid ?? "unknown"}`,
    hint: "Wait for it. If it was killed, its server is still busy with its last statement; pg_terminate_backend() ends that.",
  });
}

import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { HarnessError } from "../../core/errors.ts";
import { connect } from "../session/connection.ts";
import { isKept, type LocalBranch } from "./branch-folder.ts";
import { ownerUrl } from "./branch-url.ts";
import { type Postmaster, readPostmaster } from "./postmaster.ts";
import { ensureRunning, stopServer } from "./server.ts";

/**
 * The right to use a branch's server until released. It is a session of that very server, holding a shared
 * advisory lock: it vanishes with a killed process, so nothing stale can remain. Whoever gets the exclusive lock is
 * the last one, and stops the server while holding it.
 */
export interface Lease {
  server: Postmaster;
  /**
   * Lets go. If nobody else uses the branch then, `whenLast` runs, which by default stops the server unless it was
   * started explicitly. Says whether it ran. Never throws because the server is gone.
   */
  release(whenLast?: ((server: Postmaster) => Promise<void>) | undefined): Promise<boolean>;
}

/** Any constant will do; advisory locks are per database, and nothing of ours lives in database postgres. */
const lockKey = 7_453_817;
const patienceMs = 60_000;

/** Starts the branch's server if need be; waits while it is being stopped by its last user. */
export async function acquireLease(branch: LocalBranch): Promise<Lease> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await delay(10)) {
    const server = await ensureRunning(branch);
    const client = await openSession(branch, server);
    if (!client) continue;
    if (await sharesLock(client)) {
      letProcessEnd(client, true);
      return { server, release: (whenLast) => release(branch, client, whenLast) };
    }
    await client.end().catch(() => undefined);
  }
  throw new HarnessError({
    code: "branch-busy",
    message: `the server of the branch "${branch.name}" has let nobody in for ${patienceMs / 1000} s`,
    hint: `See ${branch.folder}/server.log, and end the server's process if it hangs.`,
  });
}

/** False while the last user is stopping the server, who may also end our session before it has an answer. */
function sharesLock(client: pg.Client): Promise<boolean> {
  const sql = `select pg_catalog.pg_try_advisory_lock_shared(${lockKey})`;
  return answersTrue(client, sql).catch(() => false);
}

async function release(
  branch: LocalBranch,
  client: pg.Client,
  whenLast = async (server: Postmaster) => {
    if (!isKept(branch)) await stopServer(server, branch.data);
  },
): Promise<boolean> {
  letProcessEnd(client, false);
  try {
    const last = await isLast(client);
    // While we hold the exclusive lock nobody else gets a lease, so this server can't have been replaced.
    const server = last ? readPostmaster(branch.data) : null;
    if (server) await whenLast(server);
    return server !== null;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function isLast(client: pg.Client): Promise<boolean> {
  try {
    // First let go, then ask: of two who leave at once and still share the lock, neither would get it alone.
    await client.query(`select pg_catalog.pg_advisory_unlock_shared(${lockKey})`);
    return await answersTrue(client, `select pg_catalog.pg_try_advisory_lock(${lockKey})`);
  } catch {
    return false; // the server is gone, and with it everything there was to let go of
  }
}

/** A session of the owner in database postgres, or null if the server is just coming up or going down. */
async function openSession(branch: LocalBranch, server: Postmaster): Promise<pg.Client | null> {
  try {
    return await connect(ownerUrl(branch, server.port), { purpose: "lease", database: "postgres" });
  } catch (error) {
    const sqlState = ((error as Error).cause as { code?: string } | undefined)?.code ?? "";
    // Class 57P is a server that comes up or goes down, and no SQLSTATE at all a connection that was cut.
    if (/^(?!57P)\d/.test(sqlState)) throw error;
    return null;
  }
}

async function answersTrue(client: pg.Client, sql: string): Promise<boolean> {
  const { rows } = await client.query<[boolean]>({ text: sql, rowMode: "array" });
  return rows[0]?.[0] === true;
}

/** An open lease alone is no reason for a process to go on; a query that is under way is. */
function letProcessEnd(client: pg.Client, allowed: boolean): void {
  const { stream } = client.connection as unknown as { stream: Socket };
  if (allowed) stream.unref();
  else stream.ref();
}

import type { Client } from "pg";
import { sqlstateOf } from "../sql/patience.ts";
import { isConnectionLost } from "../targets/session/connection-lost.ts";
import { progress } from "../terminal/progress.ts";
import {
  type ExpiredPartition,
  finish,
  type Outcome,
  type PruneLimits,
  prunePartition,
  unsettled,
} from "./prune.ts";
import { describePruneFailure } from "./prune-failure.ts";
import type { PruneRequest } from "./prune-plan.ts";

export interface Pruned {
  pruned: { table: string; partition: string; did: Outcome }[];
  failed: { table: string; partition: string; reason: string }[];
  /** How many partitions are to go yet. */
  left: number;
}

export const nothingPruned = (): Pruned => ({ pruned: [], failed: [], left: 0 });

/**
 * First what an interrupted run left, then what has expired. A partition that cannot go does not keep the others.
 * @param done is kept up to date, so that whoever interrupts can say how far it got
 */
export async function pruneNow(
  client: Client,
  request: PruneRequest,
  planned: readonly ExpiredPartition[],
  limits: PruneLimits,
  done: Pruned,
  interrupted: () => boolean,
): Promise<void> {
  await client.query("select partitions.forget_gone()");
  /** Who is in the way of one partition is in the way of the others: they are left to the next run. */
  const busy = new Set<string>();
  const attempt = async (table: string, partition: string, work: () => Promise<Outcome>) => {
    if (interrupted()) return;
    const stop = progress(`pruning ${partition}`);
    try {
      done.pruned.push({ table, partition, did: await work() });
      done.left--;
    } catch (error) {
      if (isConnectionLost(error) || interrupted()) throw error;
      done.left--;
      if (sqlstateOf(error) === "55P03") busy.add(table);
      done.failed.push({
        table,
        partition,
        reason: await describePruneFailure(client, table, partition, error),
      });
    } finally {
      stop();
    }
  };
  const handled = new Set<string>();
  const begun = await unsettled(client, request.table);
  done.left = new Set([...begun, ...planned].map(({ child }) => child)).size;
  for (const left of begun) {
    // Decided, but not begun: it is decided anew.
    if (left.state === "attached") {
      await client.query("select partitions.undecide($1::oid::regclass)", [left.oid]);
      continue;
    }
    handled.add(left.child);
    const { action = "detach" } = planned.find(({ child }) => child === left.child) ?? {
      action: await policyOf(client, left.table, request),
    };
    await attempt(left.table, left.child, () => finish(client, left, action, limits));
  }
  for (const expired of planned) {
    if (handled.has(expired.child) || busy.has(expired.table)) continue;
    await attempt(expired.table, expired.child, () => prunePartition(client, expired, limits));
  }
}

/** What may become of a partition that is no longer one of the table's: what is said now, if that is milder than what was decided. */
async function policyOf(
  client: Client,
  table: string,
  request: PruneRequest,
): Promise<ExpiredPartition["action"]> {
  if (request.expired !== undefined) return request.expired === "keep" ? "detach" : request.expired;
  const { rows } = await client.query<{ expired: ExpiredPartition["action"] | "keep" }>(
    "select m.expired from partitions.managed as m where m.parent = to_regclass($1)",
    [table],
  );
  const said = rows[0]?.expired ?? "detach";
  return said === "keep" ? "detach" : said;
}

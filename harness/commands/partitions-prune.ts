import type { Client } from "pg";
import { jsonOutput } from "../command-line/json-output.ts";
import { seconds } from "../command-line/option-values.ts";
import { withClient } from "../command-line/session.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import { explainPartitionError } from "../partitions/explain.ts";
import { liftTimeouts } from "../partitions/lift-timeouts.ts";
import { installPack, packState } from "../partitions/pack.ts";
import {
  type ExpiredPartition,
  finish,
  type Outcome,
  type PruneLimits,
  prunePartition,
  unsettled,
} from "../partitions/prune.ts";
import { describePruneFailure } from "../partitions/prune-failure.ts";
import { type Planned, type PruneRequest, planPrune } from "../partitions/prune-plan.ts";
import { wholeName } from "../partitions/status.ts";
import { sqlstateOf } from "../sql/patience.ts";
import { isConnectionLost } from "../targets/session/connection-lost.ts";
import { interruptibly } from "../targets/session/interruptibly.ts";
import { count, size } from "../terminal/numbers.ts";
import { print } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";
import { table as textTable } from "../terminal/table.ts";
import { actionOf, type PartitionOptions, refusePooler } from "./partitions-options.ts";

export interface PruneOptions extends PartitionOptions {
  olderThan?: string | undefined;
  expired?: string | undefined;
  archiveSchema?: string | undefined;
  wait?: string | undefined;
  /** False: DETACH in one go. */
  concurrently?: boolean | undefined;
}

export interface Pruned {
  pruned: { table: string; partition: string; did: Outcome }[];
  failed: { table: string; partition: string; reason: string }[];
  /** How many partitions are to go yet. */
  left: number;
}

export const nothingPruned = (): Pruned => ({ pruned: [], failed: [], left: 0 });

export const prunedSoFar = ({ pruned, left }: Pruned): string =>
  `${count(pruned.length)} partitions are done, ${count(left)} are left. harness partitions prune goes on from there`;

export const pruneAgain =
  "What was done lasts: run this again, it goes on where it stopped, with a partition that is half detached too.";

/** Takes expired partitions from their tables. Exit code 1 if one could not be taken. */
export async function partitionsPrune(table: string | undefined, options: PruneOptions): Promise<ExitCode> {
  const limits = pruneLimits(options);
  const expired = actionOf(options.expired);
  const mode = options.dryRun ? "reads" : "writes";
  return withClient(options, mode, "partitions prune", async ({ client, target }) => {
    try {
      const { olderThan, archiveSchema } = options;
      const name = table === undefined ? undefined : await wholeName(client, table);
      const request = { table: name, olderThan, expired, archiveSchema };
      if (options.dryRun) {
        const plan = await planPrune(client, request);
        print(
          options.json
            ? jsonOutput({ branch: target.branch, dryRun: true, partitions: plan })
            : describePlan(plan),
        );
        return exitCodes.clean;
      }
      await refusePooler(client, target.url);
      // Refuses what makes no sense before anything is installed.
      const planned = await planPrune(client, request);
      // Where nothing is kept up there is nothing to install for.
      const needed = planned.length > 0 || (await packState(client)) !== "missing";
      const installed = needed ? await installPack(client) : null;
      if (installed && !options.json) print(`${installed} the schema partitions\n`);
      const done = nothingPruned();
      const tell = () => prunedSoFar(done);
      await liftTimeouts(client);
      if (needed)
        await interruptibly({ client, url: target.url, cancels: () => true, tell }, (interrupted) =>
          prune(client, request, planned, limits, done, interrupted),
        );
      if (options.json)
        print(jsonOutput({ branch: target.branch, installed, pruned: done.pruned, failed: done.failed }));
      else print(describePruned(done) || "Nothing has expired\n");
      return done.failed.length === 0 ? exitCodes.clean : exitCodes.findings;
    } catch (error) {
      throw explainPartitionError(
        error,
        options.dryRun ? "Nothing was changed: run this again." : pruneAgain,
      );
    }
  });
}

export function pruneLimits(
  options: Pick<PruneOptions, "lockTimeout" | "wait" | "concurrently">,
): PruneLimits {
  return {
    lockTimeoutMs: seconds("--lock-timeout", options.lockTimeout, 0.5),
    waitMs: seconds("--wait", options.wait, 60),
    concurrently: options.concurrently ?? true,
  };
}

/**
 * First what an interrupted run left, then what has expired. A partition that cannot go does not keep the others.
 * @param done is kept up to date, so that whoever interrupts can say how far it got
 */
export async function prune(
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

const done: Record<Outcome, string> = {
  detach: "detached",
  archive: "archived",
  drop: "dropped",
  gone: "was gone already",
};

export function describePruned({ pruned, failed }: Pick<Pruned, "pruned" | "failed">): string {
  return [
    ...pruned.map(({ table, partition, did }) => `${printable(`${table}: ${partition} ${done[did]}`)}\n`),
    ...failed.map(
      ({ table, partition, reason }) => `${printable(`${table}: ${partition} failed, ${reason}`)}\n`,
    ),
  ].join("");
}

function describePlan(plan: readonly Planned[]): string {
  if (plan.length === 0) return "Nothing has expired\n";
  const rows = plan.map(({ child, upto, rows: number, bytes, action, archiveSchema }) => [
    printable(child),
    upto.slice(0, 16).replace("T", " "),
    count(number),
    size(bytes),
    archiveSchema ? `${action} in ${printable(archiveSchema)}` : action,
  ]);
  const sum = plan.reduce((total, one) => total + one.rows, 0);
  const bytes = plan.reduce((total, one) => total + one.bytes, 0);
  return `${textTable(["partition", "ends (UTC)", "rows", "size", "would"], rows)}Dry run: ${count(plan.length)} partitions, some ${count(sum)} rows, ${size(bytes)}\n`;
}

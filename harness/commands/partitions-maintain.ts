import type { Client } from "pg";
import { count } from "../core/count.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { jsonOutput } from "../core/json-output.ts";
import { archiveFinished } from "../outbox/archive.ts";
import { explainPartitionError, reasonOf } from "../partitions/explain.ts";
import { installPack, packState } from "../partitions/pack.ts";
import { planPrune } from "../partitions/prune-plan.ts";
import { seconds } from "./option-values.ts";
import { describeEnsured, ensure } from "./partitions-ensure.ts";
import { type PartitionOptions, refusePooler } from "./partitions-options.ts";
import { describePruned, prune, pruneLimits } from "./partitions-prune.ts";
import { withClient } from "./with-target.ts";

/** Of whoever maintains a database: one at a time. */
const lock = 1_885_434_485;

/**
 * What cron runs: partitions ahead, expired ones as is kept up for each table, finished events to their archive. Exit code 1 if something
 * could not be done; 0 if somebody else is at it.
 */
export async function partitionsMaintain(
  options: PartitionOptions & { wait?: string | undefined },
): Promise<ExitCode> {
  const limits = pruneLimits(options);
  const lockTimeoutMs = seconds("--lock-timeout", options.lockTimeout, 0.5);
  return withClient(options, "writes", "partitions maintain", async ({ client, target }) => {
    await refusePooler(client, target.url);
    try {
      // Goes with the connection, also when this is killed.
      const { rows } = await client.query<{ mine: boolean }>("select pg_try_advisory_lock($1) as mine", [
        lock,
      ]);
      if (!rows[0]?.mine) {
        process.stdout.write(
          options.json ? jsonOutput({ branch: target.branch, busy: true }) : "Somebody else is at it\n",
        );
        return exitCodes.clean;
      }
      // Where nothing is kept up there is nothing to install for.
      const needed = (await packState(client)) !== "missing";
      const installed = needed ? await installPack(client) : null;
      const ensured = needed ? await ensure(client, undefined, lockTimeoutMs) : { made: [], failed: [] };
      const pruned = needed
        ? await prune(client, {}, await planPrune(client, {}), limits)
        : { pruned: [], failed: [] };
      const archived = await archive(client);
      if (options.json) {
        process.stdout.write(
          jsonOutput({ branch: target.branch, busy: false, installed, ensured, pruned, archived }),
        );
      } else {
        if (installed) process.stdout.write(`${installed} the schema partitions\n`);
        process.stdout.write(describeEnsured(ensured));
        process.stdout.write(describePruned(pruned) || "Nothing has expired\n");
        for (const { queue, events } of archived.queues)
          process.stdout.write(`${queue}: archived ${count(events)} events\n`);
        if (archived.failed !== null) process.stdout.write(`outbox: archiving failed, ${archived.failed}\n`);
      }
      const sound = ensured.failed.length + pruned.failed.length === 0 && archived.failed === null;
      return sound ? exitCodes.clean : exitCodes.findings;
    } catch (error) {
      throw explainPartitionError(error);
    }
  });
}

/** What the archive cannot take must not hide what became of the partitions. */
async function archive(client: Client) {
  try {
    return { queues: await archiveFinished(client), failed: null };
  } catch (error) {
    return { queues: [], failed: reasonOf(error) };
  }
}

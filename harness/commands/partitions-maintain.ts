import type { Client } from "pg";
import { jsonOutput } from "../command-line/json-output.ts";
import { seconds } from "../command-line/option-values.ts";
import { withClient } from "../command-line/session.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { archiveFinished } from "../outbox/archive.ts";
import { explainPartitionError, reasonOf } from "../partitions/explain.ts";
import { liftTimeouts } from "../partitions/lift-timeouts.ts";
import { installPack, packState } from "../partitions/pack.ts";
import { planPrune } from "../partitions/prune-plan.ts";
import { isConnectionLost } from "../targets/session/connection-lost.ts";
import { interruptibly } from "../targets/session/interruptibly.ts";
import { count } from "../terminal/numbers.ts";
import { print } from "../terminal/output.ts";
import { describeEnsured, ensure, ensuredSoFar, nothingEnsured } from "./partitions-ensure.ts";
import { type PartitionOptions, refusePooler } from "./partitions-options.ts";
import { describePruned, nothingPruned, prune, prunedSoFar, pruneLimits } from "./partitions-prune.ts";

/** Advisory lock: one maintenance run per database. */
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
        print(
          options.json
            ? jsonOutput({ branch: target.branch, busy: true })
            : "Another maintenance run is active\n",
        );
        return exitCodes.clean;
      }
      // Where nothing is kept up there is nothing to install for.
      const needed = (await packState(client)) !== "missing";
      const installed = needed ? await installPack(client) : null;
      const ensuredYet = nothingEnsured();
      const prunedYet = nothingPruned();
      const tell = () =>
        `${ensuredSoFar(ensuredYet)}; ${prunedSoFar(prunedYet)}. What was done lasts: harness partitions maintain does the rest`;
      await liftTimeouts(client);
      const archived = await interruptibly(
        { client, url: target.url, cancels: () => true, tell },
        async (interrupted) => {
          if (needed) {
            await ensure(client, undefined, lockTimeoutMs, ensuredYet, interrupted);
            await prune(client, {}, await planPrune(client, {}), limits, prunedYet, interrupted);
          }
          return interrupted() ? { queues: [], failed: "interrupted" } : archive(client);
        },
      );
      const ensured = { made: ensuredYet.made, failed: ensuredYet.failed };
      const pruned = { pruned: prunedYet.pruned, failed: prunedYet.failed };
      if (options.json) {
        print(jsonOutput({ branch: target.branch, busy: false, installed, ensured, pruned, archived }));
      } else {
        if (installed) print(`${installed} the schema partitions\n`);
        print(describeEnsured(ensured));
        print(describePruned(pruned) || "Nothing has expired\n");
        for (const { queue, events } of archived.queues)
          print(`${queue}: archived ${count(events)} events\n`);
        if (archived.failed !== null) print(`outbox: archiving failed, ${archived.failed}\n`);
      }
      const sound = ensured.failed.length + pruned.failed.length === 0 && archived.failed === null;
      return sound ? exitCodes.clean : exitCodes.findings;
    } catch (error) {
      throw explainPartitionError(error, "What was done lasts: run this again, it does the rest.");
    }
  });
}

/** What the archive cannot take must not hide what became of the partitions. */
async function archive(client: Client) {
  try {
    return { queues: await archiveFinished(client), failed: null };
  } catch (error) {
    if (isConnectionLost(error)) throw error;
    return { queues: [], failed: reasonOf(error) };
  }
}

import { type Answer, command } from "../../command-line/command.ts";
import { flag, option, switchedOff, type ValuesOf } from "../../command-line/option.ts";
import { ending, lockTimeout, oneTable } from "../../command-line/partition-options.ts";
import { withPartitions } from "../../command-line/partition-session.ts";
import { json, writing } from "../../command-line/shared-options.ts";
import { interval, seconds } from "../../command-line/values.ts";
import { exitCodes } from "../../core/errors.ts";
import { print } from "../../terminal/output.ts";

const options = {
  olderThan: option(interval, "instead of the retention of the table"),
  ...ending,
  wait: option(seconds(), "longest wait for transactions that use the table", "60"),
  ...lockTimeout,
  concurrently: switchedOff(
    "detach in one go, which readers and writers wait for: beside a DEFAULT partition",
  ),
  dryRun: flag("change nothing, say what would go"),
  ...json,
  ...writing,
};

type Given = ValuesOf<typeof options>;

/** Exit code 1 if a partition could not be taken. */
export default command({
  summary: "detach expired partitions, then keep, archive or drop them; can be killed and run again",
  arguments: oneTable,
  options,
  run: (given, { table }) => (given.dryRun ? rehearse(given, table) : prune(given, table)),
});

async function rehearse(given: Given, table: string | undefined): Promise<Answer> {
  const { planPrune } = await import("../../partitions/prune-plan.ts");
  const { describePlan } = await import("../../partitions/prune-text.ts");
  const { wholeName } = await import("../../partitions/status.ts");
  const again = "Nothing was changed: run this again.";
  return withPartitions(given, "reads", "partitions prune", again, async ({ client, target }) => {
    const name = table === undefined ? undefined : await wholeName(client, table);
    const plan = await planPrune(client, { ...given, table: name });
    return {
      json: { branch: target.branch, dryRun: true, partitions: plan },
      text: describePlan(plan),
    };
  });
}

async function prune(given: Given, table: string | undefined): Promise<Answer> {
  const { refusePooler } = await import("../../migrate/migration-url.ts");
  const { liftTimeouts } = await import("../../partitions/lift-timeouts.ts");
  const { installPack, packState } = await import("../../partitions/pack.ts");
  const { planPrune } = await import("../../partitions/prune-plan.ts");
  const { nothingPruned, pruneNow } = await import("../../partitions/prune-run.ts");
  const { describePruned, pruneAgain, prunedSoFar } = await import("../../partitions/prune-text.ts");
  const { wholeName } = await import("../../partitions/status.ts");
  const { interruptibly } = await import("../../targets/session/interruptibly.ts");
  const { lockTimeout: lockTimeoutMs, wait: waitMs, concurrently } = given;
  return withPartitions(
    given,
    "writes",
    "partitions prune",
    pruneAgain,
    async ({ client, target: { branch, url } }) => {
      const name = table === undefined ? undefined : await wholeName(client, table);
      const request = { ...given, table: name };
      await refusePooler(client, url);
      // Refuses what makes no sense before anything is installed.
      const planned = await planPrune(client, request);
      // Where nothing is kept up there is nothing to install for.
      const needed = planned.length > 0 || (await packState(client)) !== "missing";
      const installed = needed ? await installPack(client) : null;
      if (installed && !given.json) print(`${installed} the schema partitions\n`);
      const done = nothingPruned();
      const tell = () => prunedSoFar(done);
      await liftTimeouts(client);
      const limits = { lockTimeoutMs, waitMs, concurrently };
      if (needed)
        await interruptibly({ client, url, cancels: () => true, tell }, (interrupted) =>
          pruneNow(client, request, planned, limits, done, interrupted),
        );
      const { pruned, failed } = done;
      return {
        json: { branch, installed, pruned, failed },
        text: describePruned(done) || "Nothing has expired\n",
        exitCode: failed.length === 0 ? exitCodes.clean : exitCodes.findings,
      };
    },
  );
}

import { command } from "../../command-line/command.ts";
import { option } from "../../command-line/option.ts";
import { lockTimeout } from "../../command-line/partition-options.ts";
import { withPartitions } from "../../command-line/partition-session.ts";
import { json, writing } from "../../command-line/shared-options.ts";
import { seconds } from "../../command-line/values.ts";
import { exitCodes } from "../../core/errors.ts";

/** Exit code 1 if something could not be done; 0 if somebody else is at it. */
export default command({
  summary: "what cron runs: ensure and prune as is kept up for each table, and the outbox's archive",
  options: {
    wait: option(seconds(), "longest wait for transactions that use a table", "60"),
    ...lockTimeout,
    ...json,
    ...writing,
  },
  async run({ wait: waitMs, lockTimeout: lockTimeoutMs, ...options }) {
    const { refusePooler } = await import("../../migrate/migration-url.ts");
    const { describeArchived, tryArchive } = await import("../../outbox/archive.ts");
    const { reasonOf } = await import("../../partitions/explain.ts");
    const { describeMaintained, maintain, takeMaintenance } = await import("../../partitions/maintain.ts");
    const again = "What was done lasts: run this again, it does the rest.";
    return withPartitions(options, "writes", "partitions maintain", again, async ({ client, target }) => {
      const { branch, url } = target;
      await refusePooler(client, url);
      if (!(await takeMaintenance(client)))
        return { json: { branch, busy: true }, text: "Another maintenance run is active\n" };
      const limits = { lockTimeoutMs, waitMs, concurrently: true };
      const { installed, ensured, pruned, last } = await maintain(client, url, limits, (interrupted) =>
        interrupted() ? { queues: [], failed: "interrupted" } : tryArchive(client, reasonOf),
      );
      const sound = ensured.failed.length + pruned.failed.length === 0 && last.failed === null;
      return {
        json: { branch, busy: false, installed, ensured, pruned, archived: last },
        text: `${describeMaintained({ installed, ensured, pruned })}${describeArchived(last)}`,
        exitCode: sound ? exitCodes.clean : exitCodes.findings,
      };
    });
  },
});

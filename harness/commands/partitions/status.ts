import { command } from "../../command-line/command.ts";
import { oneTable } from "../../command-line/partition-options.ts";
import { withPartitions } from "../../command-line/partition-session.ts";
import { json, reading } from "../../command-line/shared-options.ts";
import { exitCodes } from "../../core/errors.ts";
import { inColor } from "../../terminal/color.ts";

/** Exit code 1 if something needs attention. */
export default command({
  summary: "tables partitioned by time: periods left, gaps, what is not isolated; changes nothing",
  arguments: oneTable,
  options: { ...json, ...reading },
  async run(options, { table }) {
    const { partitionStatus } = await import("../../partitions/status.ts");
    const { describeStatus } = await import("../../partitions/status-text.ts");
    const again = "It changes nothing: run it again.";
    return withPartitions(options, "reads", "partitions status", again, async ({ client, target }) => {
      const status = await partitionStatus(client, { table });
      const sound =
        status.detached.length === 0 && status.tables.every(({ problems }) => problems.length === 0);
      return {
        json: { branch: target.branch, ...status },
        text: describeStatus(status, inColor),
        exitCode: sound ? exitCodes.clean : exitCodes.findings,
      };
    });
  },
});

import type { DatabaseOptions } from "../command-line/database-options.ts";
import { jsonOutput } from "../command-line/json-output.ts";
import { withClient } from "../command-line/session.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { explainPartitionError } from "../partitions/explain.ts";
import { partitionStatus } from "../partitions/status.ts";
import { describeStatus } from "../partitions/status-text.ts";
import { inColor } from "../terminal/color.ts";
import { print } from "../terminal/output.ts";

/** The tables that are partitioned by time, of any database; changes nothing. Exit code 1 if something needs attention. */
export async function partitionsStatus(
  table: string | undefined,
  options: DatabaseOptions,
): Promise<ExitCode> {
  return withClient(options, "reads", "partitions status", async ({ client, target }) => {
    const status = await partitionStatus(client, { table }).catch((error) => {
      throw explainPartitionError(error, "It changes nothing: run it again.");
    });
    print(options.json ? jsonOutput({ branch: target.branch, ...status }) : describeStatus(status, inColor));
    const sound =
      status.detached.length === 0 && status.tables.every(({ problems }) => problems.length === 0);
    return sound ? exitCodes.clean : exitCodes.findings;
  });
}

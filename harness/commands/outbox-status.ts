import type { DatabaseOptions } from "../command-line/database-options.ts";
import { jsonOutput } from "../command-line/json-output.ts";
import { withClient } from "../command-line/session.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { findQueue, listQueues } from "../outbox/queues.ts";
import { oldestXmin, queueStatus } from "../outbox/status.ts";
import { describeStatus } from "../outbox/status-text.ts";
import { inColor } from "../terminal/color.ts";
import { print } from "../terminal/output.ts";

export interface OutboxStatusOptions extends DatabaseOptions {
  queue?: string | undefined;
  /** Tenants to list. */
  top?: string | undefined;
}

/** How the queues are doing; changes nothing. Exit code 1 if an index is missing or invalid. */
export async function outboxStatus(options: OutboxStatusOptions): Promise<ExitCode> {
  const top = Number(options.top ?? 10);
  if (!Number.isInteger(top) || top < 0 || top > 1000) {
    throw new HarnessError({
      code: "bad-number",
      message: `--top ${options.top} is not a whole number from 0 to 1000`,
      hint: "Leave it out for 10.",
    });
  }
  return withClient(options, "reads", "outbox status", async ({ client, target }) => {
    const names = options.queue ? [await findQueue(client, options.queue)] : await listQueues(client);
    const queues = [];
    for (const name of names) queues.push(await queueStatus(client, name, top));
    const xmin = await oldestXmin(client);
    print(
      options.json
        ? jsonOutput({ branch: target.branch, queues, xmin })
        : describeStatus(queues, xmin, inColor),
    );
    const sound = queues.every(({ indexes }) => indexes.every(({ state }) => state === "valid"));
    return sound ? exitCodes.clean : exitCodes.findings;
  });
}

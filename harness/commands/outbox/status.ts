import { command } from "../../command-line/command.ts";
import { option } from "../../command-line/option.ts";
import { withClient } from "../../command-line/session.ts";
import { json, reading } from "../../command-line/shared-options.ts";
import { count, table } from "../../command-line/values.ts";
import { exitCodes } from "../../core/errors.ts";
import { inColor } from "../../terminal/color.ts";

/** Exit code 1 if an index is missing or invalid. */
export default command({
  summary: "backlog, retries, leases, what is dead, what holds back VACUUM; changes nothing",
  options: {
    queue: option(table, "one queue (default: all)"),
    top: option(
      count("number", { least: 0, most: 1000 }),
      "tenants to list, those with most that is due",
      "10",
    ),
    ...json,
    ...reading,
  },
  async run({ queue, top, ...options }) {
    const { chosenQueues } = await import("../../outbox/queues.ts");
    const { oldestXmin, queueStatus } = await import("../../outbox/status.ts");
    const { describeStatus } = await import("../../outbox/status-text.ts");
    return withClient(options, "reads", "outbox status", async ({ client, target }) => {
      const queues = [];
      for (const one of await chosenQueues(client, queue)) queues.push(await queueStatus(client, one, top));
      const xmin = await oldestXmin(client);
      const sound = queues.every(({ indexes }) => indexes.every(({ state }) => state === "valid"));
      return {
        json: { branch: target.branch, queues, xmin },
        text: describeStatus(queues, xmin, inColor),
        exitCode: sound ? exitCodes.clean : exitCodes.findings,
      };
    });
  },
});

import { command } from "../../command-line/command.ts";
import { option } from "../../command-line/option.ts";
import { withClient } from "../../command-line/session.ts";
import { json, writing } from "../../command-line/shared-options.ts";
import { seconds, table } from "../../command-line/values.ts";
import { print } from "../../terminal/output.ts";
import { progress } from "../../terminal/progress.ts";

export default command({
  summary: "build the indexes of the queues anew while they are in use; mends invalid ones",
  options: {
    queue: option(table, "one queue (default: all)"),
    lockTimeout: option(seconds(), "how long to wait for other transactions", "10"),
    ...json,
    ...writing,
  },
  async run({ queue, lockTimeout, ...options }) {
    const { refusePooler } = await import("../../migrate/migration-url.ts");
    const { chosenQueues } = await import("../../outbox/queues.ts");
    const { reindexQueue } = await import("../../outbox/reindex.ts");
    const { cancelOnExit } = await import("../../targets/session/cancel-on-exit.ts");
    return withClient(options, "writes", "outbox reindex", async ({ client, target }) => {
      await refusePooler(client, target.url);
      const queues = await chosenQueues(client, queue);
      const indexes: { index: string; done: string }[] = [];
      const stop = progress("building indexes");
      const over = cancelOnExit(client, target.url, () => {
        const built =
          indexes.length > 0 ? `${indexes.map(({ index }) => index).join(", ")} built` : "nothing built";
        return `${built}; of the one that was under way a copy may be left that is not valid. The same command goes on, and removes it`;
      });
      try {
        for (const one of queues) {
          for await (const { index, done } of reindexQueue(client, one, lockTimeout)) {
            indexes.push({ index, done });
            if (!options.json) print(`  ${index}  ${done}\n`);
          }
        }
      } finally {
        stop();
        await over();
      }
      return { json: { branch: target.branch, indexes } };
    });
  },
});

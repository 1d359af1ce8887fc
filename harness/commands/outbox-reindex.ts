import type { DatabaseOptions } from "../command-line/database-options.ts";
import { jsonOutput } from "../command-line/json-output.ts";
import { withClient } from "../command-line/session.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { refusePooler } from "../migrate/migration-url.ts";
import { findQueue, listQueues } from "../outbox/queues.ts";
import { reindexQueue } from "../outbox/reindex.ts";
import { cancelOnExit } from "../targets/session/cancel-on-exit.ts";
import { print } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";

export interface OutboxReindexOptions extends DatabaseOptions {
  queue?: string | undefined;
  /** Seconds. */
  lockTimeout?: string | undefined;
}

/** Builds the indexes of the queues anew while they are in use. */
export async function outboxReindex(options: OutboxReindexOptions): Promise<ExitCode> {
  const seconds = Number(options.lockTimeout ?? 10);
  if (!(seconds > 0 && seconds <= 86_400)) {
    throw new HarnessError({
      code: "bad-number",
      message: `--lock-timeout ${options.lockTimeout} is not a number of seconds up to 86400`,
      hint: "Leave it out for 10.",
    });
  }
  return withClient(options, "writes", "outbox reindex", async ({ client, target }) => {
    await refusePooler(client, target.url);
    const queues = options.queue ? [await findQueue(client, options.queue)] : await listQueues(client);
    const done: { index: string; done: string }[] = [];
    const stop = progress("building indexes");
    const over = cancelOnExit(client, target.url, () => {
      const built = done.length > 0 ? `${done.map(({ index }) => index).join(", ")} built` : "nothing built";
      return `${built}; of the one that was under way a copy may be left that is not valid. The same command goes on, and removes it`;
    });
    try {
      for (const queue of queues)
        for await (const step of reindexQueue(client, queue, Math.round(seconds * 1000))) done.push(step);
    } finally {
      stop();
      await over();
      if (!options.json) for (const step of done) print(`  ${step.index}  ${step.done}\n`);
    }
    if (options.json) {
      const indexes = done.map(({ index, done: what }) => ({ index, done: what }));
      print(jsonOutput({ branch: target.branch, indexes }));
    }
    return exitCodes.clean;
  });
}

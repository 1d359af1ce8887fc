import { type ExitCode, exitCodes } from "../core/errors.ts";
import { progress } from "../core/progress.ts";
import { projectRoot } from "../core/project.ts";
import { commitMigration } from "../migrate/commit.ts";
import { refusePooledUrl } from "../migrate/migration-url.ts";
import type { DatabaseOptions } from "./options.ts";
import { onConnection, withTarget } from "./with-target.ts";

/** Turns current.sql into the next committed migration. */
export async function commit(options: DatabaseOptions & { message: string }): Promise<ExitCode> {
  return withTarget(options, "writes", async ({ target }) => {
    refusePooledUrl(target.url);
    return onConnection(target.url, "commit", async (client) => {
      const stopProgress = progress("trying current.sql on a shadow database");
      const file = await commitMigration(client, projectRoot(), target.url, options.message).finally(
        stopProgress,
      );
      process.stdout.write(`Committed: migrations/committed/${file}\n`);
      return exitCodes.clean;
    });
  });
}

import { type ExitCode, exitCodes } from "../core/errors.ts";
import { progress } from "../core/progress.ts";
import { projectRoot } from "../core/project.ts";
import { commitMigration } from "../migrate/commit.ts";
import type { DatabaseOptions } from "./options.ts";
import { withClient } from "./with-target.ts";

/** Turns current.sql into the next committed migration. */
export async function commit(options: DatabaseOptions & { message: string }): Promise<ExitCode> {
  return withClient(options, "writes", "commit", async ({ client, target }) => {
    const stopProgress = progress("trying current.sql on a shadow database");
    const file = await commitMigration(client, projectRoot(), target.url, options.message).finally(
      stopProgress,
    );
    process.stdout.write(`Committed: migrations/committed/${file}\n`);
    return exitCodes.clean;
  });
}

import type { DatabaseOptions } from "../command-line/database-options.ts";
import { onConnection, withTarget } from "../command-line/session.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { projectRoot } from "../core/project.ts";
import { refusePooledUrl, refusePooler } from "../migrate/migration-url.ts";
import { uncommitMigration } from "../migrate/uncommit.ts";
import { print } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";

/** Takes the last committed migration back into current.sql and the packs. */
export async function uncommit(options: DatabaseOptions): Promise<ExitCode> {
  return withTarget(options, "writes", async ({ target: { url } }) => {
    refusePooledUrl(url);
    return onConnection(url, "uncommit", async (client) => {
      await refusePooler(client, url);
      const stopProgress = progress("taking the migration back");
      const file = await uncommitMigration(client, projectRoot(), url).finally(stopProgress);
      print(`Taken back: ${file}. What it did in this branch stays.\n`);
      return exitCodes.clean;
    });
  });
}

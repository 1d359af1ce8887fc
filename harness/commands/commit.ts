import type { Client } from "pg";
import type { DatabaseOptions } from "../command-line/database-options.ts";
import { onConnection, withTarget } from "../command-line/session.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { projectRoot } from "../core/project.ts";
import { commitMigration } from "../migrate/commit.ts";
import { refusePooledUrl, refusePooler } from "../migrate/migration-url.ts";
import { choosePacks } from "../migrate/working-state.ts";
import { note, print } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";
import { nextMigrationAgainstPacks } from "./pack-difference.ts";

interface CommitOptions extends DatabaseOptions {
  message: string;
  pack?: string[] | undefined;
}

/** Turns current.sql, and what changed in packs, into the next committed migration. */
export async function commit({ message, pack = [], ...options }: CommitOptions): Promise<ExitCode> {
  return withTarget(options, "writes", async ({ target: { url } }) => {
    refusePooledUrl(url);
    return onConnection(url, "commit", async (client) => {
      await refusePooler(client, url);
      const root = projectRoot();
      const packs = choosePacks(root, pack);
      const stopProgress = progress("trying the migration on a shadow database");
      const file = await requireWhatPacksSay(client, url, root, packs)
        .then(() => commitMigration(client, { root, url, message, packs }))
        .finally(stopProgress);
      print(`Committed: migrations/committed/${file}\n`);
      return exitCodes.clean;
    });
  });
}

/** Idempotent files bring not every database where they bring an empty one: CREATE TABLE IF NOT EXISTS adds no column. */
async function requireWhatPacksSay(
  client: Client,
  url: string,
  root: string,
  packs: string[],
): Promise<void> {
  if (packs.length === 0) return;
  const difference = await nextMigrationAgainstPacks(client, url, root, packs);
  if (difference === "") return;
  note(difference.trimEnd());
  throw new HarnessError({
    code: "pack-not-reached",
    message: `the migration would not bring a database to what ${packs.join(", ")} says (above: - what it would have, + what the pack has)`,
    hint: "Write the statements that do into current.sql, such as ALTER TABLE or DROP FUNCTION: they run first.",
  });
}

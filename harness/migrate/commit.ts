import { chmodSync, copyFileSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { graphileMigrate } from "./graphile.ts";
import { hashesOf, requireUnedited, writeHashes } from "./hashes.ts";
import { mendLinks } from "./layout.ts";
import { onShadow } from "./shadow.ts";
import { inStaging } from "./staging.ts";
import { nextMigration, workingState } from "./working-state.ts";

export interface CommitOptions {
  root: string;
  /** URL of the branch, to which `client` is connected. */
  url: string;
  message: string;
  /** Packs whose changed files the migration has too, after current.sql. */
  packs?: string[];
}

/**
 * Turns current.sql, and what changed in packs, into the next committed migration: graphile-migrate runs all migrations and this one on
 * a shadow database and then this one on the branch. If it fails or is killed, the files are as they were; a second run goes on.
 * @returns the new file's name
 * @throws HarnessError `nothing-to-commit`, `migrations-edited`, `migration-failed`
 */
export async function commitMigration(
  client: Client,
  { root, url, message, packs = [] }: CommitOptions,
): Promise<string> {
  mendLinks(root);
  requireUnedited(root);
  const text = nextMigration(root, packs);
  if (text === "") throw nothingToCommit(root, packs);
  return onShadow(client, url, (env) =>
    inStaging(root, text, async (staging) => {
      await graphileMigrate({ command: "commit", message, root: staging, client, env });
      return publish(staging, root);
    }),
  );
}

/** Brings what graphile-migrate has written into the project: the migration first, and as a whole. */
function publish(staging: string, root: string): string {
  const folder = join(root, "migrations", "committed");
  const made = join(staging, "migrations");
  const before = new Set(readdirSync(folder));
  const file = readdirSync(join(made, "committed")).find((name) => !before.has(name)) as string;
  const draft = join(folder, `.${file}`);
  copyFileSync(join(made, "committed", file), draft);
  chmodSync(draft, 0o444); // graphile-migrate lets nobody else read it: another user's deployment neither
  renameSync(draft, join(folder, file));
  writeHashes(root, hashesOf(root));
  writeFileSync(join(root, "current.sql"), readFileSync(join(made, "current.sql")));
  return file;
}

function nothingToCommit(root: string, packs: string[]): HarnessError {
  const changed = [...new Set(workingState(root).changed.map(({ path }) => path.split("/")[0]))];
  const which = packs.length > 0 ? ` and nothing changed in ${packs.join(", ")}` : "";
  return new HarnessError({
    code: "nothing-to-commit",
    message: `current.sql is blank${which}`,
    hint:
      changed.length > 0
        ? `These packs changed: ${changed.join(", ")}. Name one with --pack, or --pack all.`
        : "Write current.sql, or change a pack of policies/.",
  });
}

import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { graphileMigrate } from "./graphile.ts";
import { mendLinks } from "./layout.ts";
import { type MigrationStatus, migrationStatus } from "./ledger.ts";
import { migrationUrl } from "./migration-url.ts";

export interface ApplyOptions {
  root: string;
  /** URL of the database to migrate, to which `client` is connected. */
  url: string;
  onFile?: (file: string) => void;
}

/**
 * Applies the pending migrations.
 * @returns those that were pending
 * @throws HarnessError `migrations-diverged` before anything runs, `migration-failed`, `migration-locked`, `pooled-url`
 */
export async function applyMigrations(
  client: Client,
  { root, url, onFile }: ApplyOptions,
): Promise<MigrationStatus[]> {
  const directUrl = migrationUrl(url, client);
  mendLinks(root);
  const before = await migrationStatus(client, root);
  refuseDiverged(before);
  const pending = before.filter(({ state }) => state === "pending");
  if (pending.length === 0) return [];
  await graphileMigrate(["migrate"], {
    root,
    env: { DATABASE_URL: directUrl },
    onLine: (line) => {
      const file = /Running migration '([^']+)'/.exec(line)?.[1];
      if (file) onFile?.(file);
    },
  });
  return pending;
}

/** graphile-migrate itself says "up to date" to an edited, replaced or deleted migration. */
function refuseDiverged(statuses: MigrationStatus[]): void {
  const lastApplied = statuses.findLastIndex(({ state }) => state === "applied");
  const wrong = statuses.find(
    ({ state }, at) =>
      state === "changed" || state === "missing" || (state === "pending" && at < lastApplied),
  );
  if (!wrong) return;
  const why = {
    changed: "is not the file that was applied to this branch",
    missing: "was applied to this branch and is not in migrations/committed",
    pending: "comes before one that was applied already",
    applied: "",
  }[wrong.state];
  throw new HarnessError({
    code: "migrations-diverged",
    message: `${wrong.file} ${why}`,
    hint: "Bring back the file that was applied (git), and put the change into a new migration. `harness status` shows them all.",
  });
}

import type { Client } from "pg";
import { onConnection } from "../command-line/session.ts";
import { applyWorking, installFiles } from "../migrate/apply-working.ts";
import { type Snapshot, takeSnapshot } from "../migrate/snapshot.ts";
import { snapshotDifference } from "../migrate/snapshot-difference.ts";
import { packsAfter, type WorkingState, workingState } from "../migrate/working-state.ts";
import { installPgtap } from "../pgtap/install.ts";
import { applySetup } from "../setup/setup.ts";
import { readPacks } from "../sql/packs.ts";
import { inTransaction } from "../sql/transaction.ts";
import { onDraft, urlOf } from "./draft-database.ts";
import { committedTemplate } from "./migrated-template.ts";

/**
 * What has to change in a database that has the committed migrations for it to be what the packs make of an empty one: `+` is only in
 * the packs, `-` only in the migrations. "" where both come to the same.
 */
export async function migrationsAgainstPacks(admin: Client, url: string, root: string): Promise<string> {
  const all = readPacks(root).map((pack) => pack.name);
  return difference(admin, url, root, all, { current: "", changed: [] });
}

/** The same once these packs are committed, with current.sql. */
export async function nextMigrationAgainstPacks(
  admin: Client,
  url: string,
  root: string,
  packs: string[],
): Promise<string> {
  const { current, changed } = workingState(root);
  const committing = changed.filter(({ path }) => packs.includes(path.split("/")[0] as string));
  return difference(admin, url, root, packs, { current, changed: committing });
}

async function difference(
  admin: Client,
  url: string,
  root: string,
  packs: string[],
  state: WorkingState,
): Promise<string> {
  const template = await committedTemplate(admin, url, root);
  const migrated = await onDraft(
    admin,
    url,
    template,
    (client, draftUrl) => applyWorking(client, { root, url: draftUrl }, state),
    (draft) => contents(urlOf(url, draft)),
  );
  const pristine = await onDraft(
    admin,
    url,
    undefined,
    async (client) => {
      await applySetup(client);
      await installFiles(client, packsAfter(root, packs));
      await inTransaction(client, "read write", () => installPgtap(client));
    },
    (draft) => contents(urlOf(url, draft)),
  );
  return snapshotDifference(migrated, pristine);
}

const contents = (url: string): Promise<Snapshot> =>
  onConnection(url, "snapshot", (client) => takeSnapshot(client, { rows: true }));

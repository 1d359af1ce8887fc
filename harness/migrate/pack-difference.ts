import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { readPacks } from "../sql/packs.ts";
import { onConnection } from "../targets/session/on-connection.ts";
import { urlOf } from "../targets/session/url-of.ts";
import { applyWorking, installFiles } from "./apply-working.ts";
import { onDraft } from "./draft-database.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";
import { snapshotDifference } from "./snapshot-difference.ts";
import { committedTemplate, type TemplateSteps } from "./template.ts";
import { packsAfter, type WorkingState, workingState } from "./working-state.ts";

/**
 * What has to change in a database that has the committed migrations for it to be what the packs make of an empty one: `+` is only in
 * the packs, `-` only in the migrations. "" where both come to the same.
 */
export async function migrationsAgainstPacks(
  admin: Client,
  url: string,
  root: string,
  steps: TemplateSteps,
): Promise<string> {
  const all = readPacks(root).map((pack) => pack.name);
  return difference(admin, url, root, steps, all, { current: "", changed: [] });
}

/** The same once these packs are committed, with current.sql. */
async function nextMigrationAgainstPacks(
  admin: Client,
  url: string,
  root: string,
  steps: TemplateSteps,
  packs: string[],
): Promise<string> {
  const { current, changed } = workingState(root);
  const committing = changed.filter(({ path }) => packs.includes(path.split("/")[0] as string));
  return difference(admin, url, root, steps, packs, { current, changed: committing });
}

async function difference(
  admin: Client,
  url: string,
  root: string,
  steps: TemplateSteps,
  packs: string[],
  state: WorkingState,
): Promise<string> {
  const template = await committedTemplate(admin, url, root, steps);
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
      await steps.before(client);
      await installFiles(client, packsAfter(root, packs));
      await steps.after(client);
    },
    (draft) => contents(urlOf(url, draft)),
  );
  return snapshotDifference(migrated, pristine);
}

const contents = (url: string): Promise<Snapshot> =>
  onConnection(url, "snapshot", (client) => takeSnapshot(client, { rows: true }));

/**
 * Idempotent files bring not every database where they bring an empty one: CREATE TABLE IF NOT EXISTS adds no column.
 * @param show gets the difference
 * @throws HarnessError `pack-not-reached`
 */
export async function requireWhatPacksSay(
  admin: Client,
  url: string,
  root: string,
  steps: TemplateSteps,
  packs: string[],
  show: (difference: string) => void,
): Promise<void> {
  if (packs.length === 0) return;
  const found = await nextMigrationAgainstPacks(admin, url, root, steps, packs);
  if (found === "") return;
  show(found.trimEnd());
  throw new HarnessError({
    code: "pack-not-reached",
    message: `the migration would not bring a database to what ${packs.join(", ")} says (above: - what it would have, + what the pack has)`,
    hint: "Write the statements that do into current.sql, such as ALTER TABLE or DROP FUNCTION: they run first.",
  });
}

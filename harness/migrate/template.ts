import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import pg from "pg";
import { globSync } from "tinyglobby";
import { packageRoot } from "../core/project.ts";
import { dropDatabase } from "../sql/databases.ts";
import { applyMigrations } from "./apply.ts";
import { applyWorking } from "./apply-working.ts";
import { onDraft } from "./draft-database.ts";
import { isEmpty, workingState } from "./working-state.ts";

/** What is done to an empty database besides: neither set-up nor pgTAP is a matter of migrations. */
export interface TemplateSteps {
  before(client: Client): Promise<unknown>;
  after(client: Client): Promise<unknown>;
}

/** Of one project's templates: those of others on the same server are theirs. */
const prefixOf = (root: string) => `harness_template_${sha256(root).slice(0, 6)}_`;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/**
 * The name of a database on the same server for tests to be cloned from: set up, migrated, with pgTAP, and with what is written and not
 * committed yet, in current.sql and in packs.
 */
export async function migratedTemplate(
  admin: Client,
  url: string,
  root: string,
  steps: TemplateSteps,
): Promise<string> {
  const committed = await committedTemplate(admin, url, root, steps);
  const state = workingState(root);
  if (isEmpty(state)) return committed;
  const hash = createHash("sha256").update(JSON.stringify(state));
  for (const file of globSync("policies/**/*.sql", { cwd: root }).sort())
    hash.update(file).update(readFileSync(join(root, file)));
  const name = `${committed}_${hash.digest("hex").slice(0, 12)}`;
  const others = (existing: string) => existing.startsWith(prefixOf(root)) && existing !== committed;
  await template(admin, url, { name, from: committed, others }, (client, draftUrl) =>
    applyWorking(client, { root, url: draftUrl }, state),
  );
  return name;
}

/** The same with the committed migrations alone. */
export async function committedTemplate(
  admin: Client,
  url: string,
  root: string,
  steps: TemplateSteps,
): Promise<string> {
  const name = prefixOf(root) + fingerprint(root);
  const others = (existing: string) => existing.startsWith(prefixOf(root)) && !existing.startsWith(name);
  await template(admin, url, { name, others }, async (client, draftUrl) => {
    await steps.before(client);
    await applyMigrations(client, { root, url: draftUrl });
    await steps.after(client);
  });
  return name;
}

interface Template {
  name: string;
  /** What it is a copy of; empty otherwise. */
  from?: string;
  /** Those that were built for another state of the project, and go. */
  others: (existing: string) => boolean;
}

/** Builds a template once, under another name until it is complete. */
async function template(
  admin: Client,
  url: string,
  { name, from, others }: Template,
  build: (client: Client, url: string) => Promise<void>,
): Promise<void> {
  const { rows } = await admin.query<{ datname: string }>("select datname from pg_catalog.pg_database");
  const existing = rows.map((row) => row.datname);
  if (existing.includes(name)) return;
  await onDraft(admin, url, from, build, async (draft) => {
    await admin
      .query(`alter database ${pg.escapeIdentifier(draft)} rename to ${pg.escapeIdentifier(name)}`)
      .catch((error: pg.DatabaseError) => {
        if (error.code !== "42P04") throw error; // somebody else was faster, with the same content
      });
  });
  for (const old of existing.filter(others)) await dropDatabase(admin, old).catch(() => undefined);
}

/** Changes with anything that the template is made of, and with the month. */
function fingerprint(root: string): string {
  const hash = createHash("sha256");
  const own = globSync(["harness/setup/**/*.sql", "policies/tenancy/claims.sql", "package.json"], {
    cwd: packageRoot,
  });
  const migrations = globSync("migrations/committed/*.sql", { cwd: root });
  // Migrations make partitions for the months to come: a template of last year has none for today.
  hash.update(new Date().toISOString().slice(0, "2026-11".length));
  for (const file of own.sort()) hash.update(readFileSync(join(packageRoot, file)));
  for (const file of migrations.sort()) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex").slice(0, 12);
}

import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg, { type Client } from "pg";
import { globSync } from "tinyglobby";
import { onExit } from "../core/cleanup.ts";
import { packageRoot } from "../core/project.ts";
import { connect } from "../database/connection.ts";
import { createDatabase, dropDatabase } from "../database/databases.ts";
import { inTransaction } from "../database/transaction.ts";
import { applyMigrations } from "../migrate/apply.ts";
import { installPgtap } from "../pgtap/install.ts";
import { applySetup } from "../setup/setup.ts";

const prefix = "harness_template_";

/**
 * The name of a database on the same server that is set up, migrated and has pgTAP, for tests to be cloned from. It is
 * built once for each state of the project's SQL, under another name until it is complete; older ones are dropped.
 */
export async function migratedTemplate(admin: Client, url: string, root: string): Promise<string> {
  const name = prefix + fingerprint(root);
  const { rows } = await admin.query(
    "select datname from pg_catalog.pg_database where starts_with(datname, $1)",
    [prefix],
  );
  const existing: string[] = rows.map((row) => row.datname);
  if (existing.includes(name)) return name;
  const draft = `harness_draft_${randomUUID().slice(0, 8)}`;
  const dropDraft = onExit(() => dropDatabase(admin, draft));
  await createDatabase(admin, draft);
  try {
    await build(urlOf(url, draft), root);
    await admin.query(`alter database ${pg.escapeIdentifier(draft)} rename to ${pg.escapeIdentifier(name)}`);
  } catch (error) {
    if ((error as pg.DatabaseError).code !== "42P04") throw error; // somebody else was faster, with the same content
  } finally {
    await dropDraft();
  }
  for (const old of existing) await dropDatabase(admin, old).catch(() => undefined);
  return name;
}

async function build(url: string, root: string): Promise<void> {
  const client = await connect(url, { purpose: "template" });
  try {
    await applySetup(client);
    await applyMigrations(client, { root, url });
    await inTransaction(client, "read write", () => installPgtap(client));
  } finally {
    await client.end();
  }
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

export function urlOf(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  other.searchParams.delete("dbname");
  return other.href;
}

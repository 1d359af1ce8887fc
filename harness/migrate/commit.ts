import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import pg from "pg";
import { onExit } from "../core/cleanup.ts";
import { graphileMigrate } from "./graphile.ts";
import { committedMigrations, mendLinks } from "./layout.ts";
import { migrationUrl, refusePooler } from "./migration-url.ts";

/**
 * Turns current.sql into the next committed migration: graphile-migrate runs all migrations and this one on a shadow database
 * and then this one on the branch.
 * @returns the new file's name
 */
export async function commitMigration(
  client: Client,
  root: string,
  url: string,
  message: string,
): Promise<string | undefined> {
  await refusePooler(client, url);
  const before = new Set(committedMigrations(root).map(({ file }) => file));
  mendLinks(root);
  const shadow = `harness_shadow_${process.pid}`;
  const current = join(root, "current.sql");
  const backup = join(root, `.current.sql.${process.pid}.bak`);
  copyFileSync(current, backup);
  const cleanUp = onExit(async () => {
    rmSync(backup, { force: true });
    await client.query(`drop database if exists ${pg.escapeIdentifier(shadow)}`);
  });
  try {
    await graphileMigrate({
      command: "commit",
      message,
      root,
      client,
      env: {
        DATABASE_URL: migrationUrl(url, client),
        SHADOW_DATABASE_URL: migrationUrl(url, client, shadow),
        ROOT_DATABASE_URL: migrationUrl(url, client, "postgres"),
        DATABASE_OWNER: client.user ?? "",
      },
    });
  } catch (error) {
    // A failed commit leaves the file with its includes written out and its message gone: put the author's text back.
    if (readFileSync(current, "utf8") !== readFileSync(backup, "utf8")) copyFileSync(backup, current);
    throw error;
  } finally {
    await cleanUp();
  }
  return committedMigrations(root).find(({ file }) => !before.has(file))?.file;
}

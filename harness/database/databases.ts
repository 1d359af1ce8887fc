import pg, { type Client } from "pg";
import { HarnessError } from "../core/errors.ts";

/**
 * Creates a database, from a template if one is named.
 * @throws HarnessError `may-not-create-database`
 */
export async function createDatabase(client: Client, name: string, template?: string): Promise<void> {
  const source = template ? ` template ${pg.escapeIdentifier(template)}` : "";
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      await client.query(`create database ${pg.escapeIdentifier(name)}${source}`);
      return;
    } catch (error) {
      const { code } = error as pg.DatabaseError;
      // 55006: a session that has just left the template is still on its way out
      if (code === "55006" && Date.now() < deadline) continue;
      if (code !== "42501") throw error;
      throw new HarnessError({
        code: "may-not-create-database",
        message: `role "${client.user}" may not create databases on this server`,
        hint: "Let a superuser run ALTER ROLE … CREATEDB, or use an option that needs no database of its own (see --help).",
        cause: error,
      });
    }
  }
}

export async function dropDatabase(client: Client, name: string): Promise<void> {
  await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
}

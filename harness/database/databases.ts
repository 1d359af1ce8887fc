import pg, { type Client } from "pg";
import { HarnessError } from "../core/errors.ts";

/**
 * Creates a database, from a template if one is named, without TEMPORARY for PUBLIC if the template has none: privileges of a database are
 * no part of what the server copies.
 * @throws HarnessError `may-not-create-database`
 */
export async function createDatabase(client: Client, name: string, template?: string): Promise<void> {
  const source = template ? ` template ${pg.escapeIdentifier(template)}` : "";
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      await client.query(`create database ${pg.escapeIdentifier(name)}${source}`);
      if (template && !(await letsPublicMakeTemporaryTables(client, template))) {
        await client.query(`revoke temporary on database ${pg.escapeIdentifier(name)} from public`);
      }
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

async function letsPublicMakeTemporaryTables(client: Client, database: string): Promise<boolean> {
  const { rows } = await client.query(
    `select exists (select from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
                     where a.grantee = 0 and a.privilege_type = 'TEMPORARY') as temporary
       from pg_catalog.pg_database d where d.datname = $1`,
    [database],
  );
  return rows[0]?.temporary === true;
}

export async function dropDatabase(client: Client, name: string): Promise<void> {
  await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
}

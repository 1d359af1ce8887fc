import type { ClientBase } from "pg";
import { pgtapArchive } from "../sql/pgtap-archive.ts";

/** The schema that holds pgTAP on databases where we install it. */
export const tapSchema = "tap";

/**
 * Installs pgTAP if the database has none: the server's own extension, else the SQL from the npm package.
 * @throws HarnessError `no-pgtap`
 */
export async function installPgtap(client: ClientBase): Promise<void> {
  const { rows } = await client.query(
    `select exists (select from pg_catalog.pg_extension where extname = 'pgtap')
         or to_regprocedure('${tapSchema}.plan(integer)') is not null as installed,
            exists (select from pg_catalog.pg_available_extensions where name = 'pgtap') as available`,
  );
  const { installed, available } = rows[0];
  if (installed) return;
  await client.query(
    `create schema if not exists ${tapSchema}; grant usage on schema ${tapSchema} to public`,
  );
  if (available && (await createsExtension(client))) return;
  await client.query(`set local search_path = ${tapSchema}; set local client_min_messages = warning`);
  await client.query(await pgtapSource());
}

/** A server can offer pgTAP to its superuser only. */
async function createsExtension(client: ClientBase): Promise<boolean> {
  await client.query("savepoint pgtap");
  try {
    await client.query(`create extension pgtap schema ${tapSchema}`);
    return true;
  } catch {
    await client.query("rollback to savepoint pgtap");
    return false;
  }
}

async function pgtapSource(): Promise<string> {
  const { list } = await import("tar");
  const chunks: Buffer[] = [];
  await list({
    file: pgtapArchive(),
    filter: (path) => path.endsWith("/extension/pgtap.sql"),
    onReadEntry: (file) => file.on("data", (chunk) => chunks.push(chunk)),
  });
  return Buffer.concat(chunks).toString();
}

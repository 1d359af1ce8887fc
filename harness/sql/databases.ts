import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg, { type Client } from "pg";
import { HarnessError } from "../core/errors.ts";

const patienceMs = 20_000;
const pollMs = 50;

/**
 * Creates a database, from a template if one is named, without TEMPORARY for PUBLIC if the template has none: privileges of a database are
 * no part of what the server copies.
 * @throws HarnessError `may-not-create-database`
 */
export async function createDatabase(client: Client, name: string, template?: string): Promise<void> {
  const source = template ? ` template ${pg.escapeIdentifier(template)}` : "";
  for (const deadline = Date.now() + patienceMs; ; await sleep(pollMs)) {
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

/**
 * Drops a database and ends the sessions in it.
 * @throws HarnessError `database-in-use` if a session that is not ours to end stays in it
 */
export async function dropDatabase(client: Client, name: string): Promise<void> {
  const database = pg.escapeIdentifier(name);
  for (const deadline = Date.now() + patienceMs; ; await sleep(pollMs)) {
    try {
      await client.query(`drop database if exists ${database} with (force)`);
      return;
    } catch (error) {
      const { code } = error as pg.DatabaseError;
      // 42501: a session that we may not end, which is autovacuum's as a rule. 55006: one that has not ended yet.
      if (code !== "42501" && code !== "55006") throw error;
      if (await isOwnedByOther(client, name)) throw error;
      if (Date.now() > deadline) throw inUse(name, error);
    }
    await endOwnSessions(client, name);
    // Without force the server itself makes autovacuum leave.
    const { code } = await client.query(`drop database if exists ${database}`).then(
      () => ({ code: "00000" }),
      (error: pg.DatabaseError) => error,
    );
    if (code === "00000") return;
  }
}

/** A name for a database that whoever finds it later can tell the age of. */
export function dated(prefix: string): string {
  return `${prefix}${Date.now().toString(36)}_${randomBytes(4).toString("hex")}`;
}

/** So long a database may stay without a session before it counts as left behind: its maker connects within a moment. */
const abandonedAfterMs = 10 * 60_000;

/** Drops the databases with dated names that a run which was killed has left, when nobody is in them. */
export async function dropAbandoned(client: Client, prefix: string): Promise<void> {
  const { rows } = await client.query<{ datname: string }>(
    `select d.datname
       from pg_catalog.pg_database d
      where pg_catalog.starts_with(d.datname, $1)
        and pg_catalog.pg_has_role(d.datdba, 'USAGE')
        and not exists (select from pg_catalog.pg_stat_activity a where a.datid = d.oid)`,
    [prefix],
  );
  for (const { datname } of rows) {
    const [, made] = /^([0-9a-z]{8})_[0-9a-f]{8}$/.exec(datname.slice(prefix.length)) ?? [];
    if (!made || Date.now() - Number.parseInt(made, 36) < abandonedAfterMs) continue;
    // not by force: somebody may have come in meanwhile
    await client.query(`drop database ${pg.escapeIdentifier(datname)}`).catch(() => undefined);
  }
}

async function endOwnSessions(client: Client, name: string): Promise<void> {
  await client.query(
    `select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
      where datname = $1 and usename = current_user and pid <> pg_catalog.pg_backend_pid()`,
    [name],
  );
}

async function isOwnedByOther(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query(
    "select from pg_catalog.pg_database where datname = $1 and not pg_catalog.pg_has_role(datdba, 'USAGE')",
    [name],
  );
  return rows.length > 0;
}

function inUse(name: string, cause: unknown): HarnessError {
  return new HarnessError({
    code: "database-in-use",
    message: `the database ${name} cannot be dropped: a session of another role is in it`,
    hint: `Drop it when that has ended: drop database ${pg.escapeIdentifier(name)}.`,
    cause,
  });
}

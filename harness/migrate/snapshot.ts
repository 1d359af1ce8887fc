import { readFileSync } from "node:fs";
import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { readSqlFile, readSqlFolder } from "../sql/sql-file.ts";
import { inTransaction } from "../sql/transaction.ts";

/** What a database is made of: `table public.bookings`, `policy tenant_floor on public.bookings` and so on, each with its definition. */
export type Snapshot = Map<string, string>;

export interface SnapshotOptions {
  /** Only these schemas; left out: all but the server's own. */
  schemas?: string[] | undefined;
  /** With the rows of its tables too: for a scratch database that was built from files. */
  rows?: boolean;
}

/** Everything is qualified and written in one way, whatever the session or the database has set. */
const opening = [
  "set local search_path = ''",
  "set local quote_all_identifiers = off",
  "set local timezone = 'UTC'",
  "set local datestyle = 'ISO, YMD'",
  "set local intervalstyle = 'postgres'",
  "set local bytea_output = 'hex'",
  "set local extra_float_digits = 1",
].join("; ");

/**
 * Reads the catalogue, in an order that stays the same and without identifiers or moments of this one database. Partitions of tables
 * that are managed by the calendar are left out. Reads only.
 */
export async function takeSnapshot(
  client: Client,
  { schemas, rows = false }: SnapshotOptions = {},
): Promise<Snapshot> {
  return inTransaction(
    client,
    "read only",
    async () => {
      const options = JSON.stringify({ schemas: schemas ?? null, managed: await managedParents(client) });
      await client.query("select set_config('harness.snapshot', $1, true)", [options]);
      const found = (await client.query<Entry>(snapshotSql())).rows;
      if (rows) found.push(...(await readRows(client, found)));
      return new Map(found.map(({ object, text }) => [object, text]));
    },
    { first: opening },
  );
}

interface Entry {
  object: string;
  text: string;
}

/** A line for each object, and its definition below. */
export function snapshotText(snapshot: Snapshot): string {
  return [...snapshot].map(([object, text]) => `${object}\n${indented(text)}\n`).join("");
}

/** What `snapshotText` has written. */
export function parseSnapshot(text: string): Snapshot {
  const found = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.replace(/\n$/, "").split("\n")) {
    if (line === "" || line.startsWith("  ")) {
      lines.push(line.slice(2));
    } else {
      lines = [];
      found.set(line, lines);
    }
  }
  return new Map([...found].map(([object, definition]) => [object, definition.join("\n")]));
}

const indented = (text: string) => text.replaceAll(/^(?=.)/gm, "  ");

function snapshotSql(): string {
  const kinds = readSqlFolder("harness/migrate/snapshot").map(({ text }) => text.trim());
  const { text } = readSqlFile("harness/migrate/snapshot.sql");
  return text.replace(/^-- UNION ALL .*$/m, () => kinds.map((kind) => `union all\n${kind}`).join("\n"));
}

async function managedParents(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ may: boolean }>(
    "select coalesce(has_table_privilege(to_regclass('partitions.managed'), 'select'), false) as may",
  );
  if (!rows[0]?.may) return [];
  const managed = await client.query<{ parent: string }>(
    "select m.parent::oid::text as parent from partitions.managed as m join pg_catalog.pg_class as c on c.oid = m.parent",
  );
  return managed.rows.map(({ parent }) => parent);
}

async function readRows(client: Client, found: Entry[]): Promise<Entry[]> {
  const schemas = found.flatMap(({ object }) => /^schema (.*)$/.exec(object)?.[1] ?? []);
  const statement = await client.query<{ statement: string | null }>(
    readSqlFile("harness/migrate/rows.sql").text,
    [schemas],
  );
  const sql = statement.rows[0]?.statement;
  return sql ? (await client.query<Entry>(sql)).rows : [];
}

/** @throws HarnessError `no-snapshot` */
export function readSnapshot(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new HarnessError({
      code: "no-snapshot",
      message: `${path} cannot be read: ${(cause as Error).message}`,
      hint: "Name a file that harness snapshot has written.",
      cause,
    });
  }
}

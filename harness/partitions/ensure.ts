import { join } from "node:path";
import type { Client } from "pg";
import { packageRoot } from "../core/project.ts";
import { patiently, sqlstateOf } from "../sql/patience.ts";
import { beginStatement, inTransaction } from "../sql/transaction.ts";
import { isConnectionLost } from "../targets/session/connection-lost.ts";
import { longestHolder, reasonOf } from "./explain.ts";
import { type PackState, packState } from "./pack.ts";
import { areGiven, manage, type Settings } from "./settings.ts";
import { partitionStatus } from "./status.ts";

/** A partition that is missing, or was and has been made. Bounds as ISO 8601. */
export interface MissingPartition {
  table: string;
  from: string;
  upto: string;
}

export interface Made extends MissingPartition {
  partition: string;
}

export interface Failed {
  table: string;
  reason: string;
}

export interface Rehearsed {
  missing: MissingPartition[];
  failed: Failed[];
  /** For psql. */
  sql: string;
}

const attempts = 10;

/** What is missing, of all tables that are kept up or of one: one question, however many tables. */
export async function overdue(
  client: Client,
  table?: string,
): Promise<{ missing: MissingPartition[]; failed: Failed[] }> {
  const { rows } = await client.query<MissingPartition & { reason: string | null }>(
    `select parent as table, to_json(starts_at) #>> '{}' as from, to_json(ends_at) #>> '{}' as upto, problem as reason
       from partitions.overdue($1::regclass)`,
    [table],
  );
  return {
    missing: rows.filter(({ reason }) => reason === null).map(({ reason: _, ...missing }) => missing),
    failed: rows.flatMap(({ table: name, reason }) => (reason === null ? [] : [{ table: name, reason }])),
  };
}

/**
 * Makes what is missing, each in a transaction of its own that waits for no lock for long and is tried again. A table that cannot have its
 * partitions does not keep the others from theirs.
 */
export async function* makePartitions(
  client: Client,
  missing: readonly MissingPartition[],
  lockTimeoutMs: number,
  interrupted: () => boolean = () => false,
): AsyncGenerator<{ made: Made[] } | { failed: Failed }> {
  const given = new Set<string>();
  for (const wanted of missing) {
    if (given.has(wanted.table)) continue;
    try {
      yield { made: await patiently(() => makeOne(client, wanted, lockTimeoutMs), attempts) };
    } catch (error) {
      if (isConnectionLost(error) || interrupted()) throw error;
      given.add(wanted.table);
      yield { failed: { table: wanted.table, reason: await describe(client, wanted.table, error) } };
    }
  }
}

/** In one round trip (and with an empty search_path, so that names are whole): with a few tables and a distant server these are what takes time. */
async function makeOne(client: Client, wanted: MissingPartition, lockTimeoutMs: number): Promise<Made[]> {
  const [table, from, upto] = [wanted.table, wanted.from, wanted.upto].map((text) =>
    client.escapeLiteral(text),
  );
  try {
    const results = (await client.query(
      `${beginStatement("read write", { lockTimeoutMs })}
       set local search_path = '';
       select f.child::text as partition from partitions.fill(${table}, ${from}, ${upto}) as f (child);
       commit`,
    )) as unknown as { command: string; rows: { partition: string }[] }[];
    const made = results.find(({ command }) => command === "SELECT")?.rows ?? [];
    return made.map(({ partition }) => ({ ...wanted, partition }));
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

async function describe(client: Client, table: string, error: unknown): Promise<string> {
  if (sqlstateOf(error) !== "55P03") return reasonOf(error);
  const { rows } = await client.query<{ names: string[] }>(
    `select array_agg(distinct r.name) as names
       from (select $1::text as name
             union all select partitions.whole_name(c.confrelid) from pg_catalog.pg_constraint as c where c.conrelid = $1::text::regclass and c.contype = 'f'
             union all select partitions.whole_name(c.conrelid) from pg_catalog.pg_constraint as c where c.confrelid = $1::text::regclass and c.contype = 'f') as r`,
    [table],
  );
  const holder = await longestHolder(client, rows[0]?.names ?? [table], false);
  return `busy for too long${holder ? `: locked by ${holder}` : ""}`;
}

/**
 * The SQL that would make what is missing, as it can be pasted into psql. Changes nothing: where settings are given it asks in a transaction
 * that it rolls back; where the functions are not installed, or nothing can be written, it reads only, and the SQL calls them.
 * @throws HarnessError `partitions-refused`
 */
export async function rehearseEnsure(
  client: Client,
  table: string | undefined,
  settings: Settings,
): Promise<Rehearsed> {
  const state = await packState(client);
  if (state !== "current") return rehearseReading(client, table, settings, state);
  return rehearseFully(client, table, settings).catch((error) => {
    if (!["25006", "42501"].includes(sqlstateOf(error))) throw error;
    return rehearseReading(client, table, settings, state);
  });
}

async function rehearseFully(
  client: Client,
  table: string | undefined,
  settings: Settings,
): Promise<Rehearsed> {
  const undo = new Error("dry run");
  let answer: Rehearsed | undefined;
  const mode = areGiven(settings) ? "read write" : "read only";
  await inTransaction(client, mode, async () => {
    if (table !== undefined && areGiven(settings)) await manage(client, table, settings);
    const { missing, failed } = await overdue(client, table);
    const { rows } = await client.query<{ statements: string }>(
      `select string_agg(s.statement || ';', e'\n' order by s.place) as statements
         from unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) with ordinality as w (parent, starts_at, ends_at, at)
        cross join lateral partitions.child_statements(w.parent::regclass, w.starts_at, w.ends_at) with ordinality as s (child, statement, place)
        group by w.at order by w.at`,
      [missing.map((m) => m.table), missing.map((m) => m.from), missing.map((m) => m.upto)],
    );
    const sql = missing.map((one, at) => transaction(one, rows[at]?.statements ?? "")).join("");
    answer = { missing, failed, sql };
    throw undo;
  }).catch((error) => {
    if (error !== undo) throw error;
  });
  return answer ?? { missing: [], failed: [], sql: "" };
}

async function rehearseReading(
  client: Client,
  table: string | undefined,
  settings: Settings,
  state: PackState,
): Promise<Rehearsed> {
  const asIf = table === undefined ? undefined : settings;
  const { tables } = await partitionStatus(client, { table, asIf });
  const failed = tables
    .filter(({ managed, period }) => managed && period === null)
    .map(({ table: name }) => ({ table: name, reason: `the period of ${name} is not known` }));
  const missing = tables.flatMap(({ table: name, missing: pieces }) =>
    pieces.map(({ from, upto }) => ({ table: name, from, upto })),
  );
  const install = `\\i '${join(packageRoot, "policies/partitions/install.sql").replaceAll("'", "\\'")}'\n`;
  const calls = missing.map((one) => {
    const [name, from, upto] = [one.table, one.from, one.upto].map((text) => client.escapeLiteral(text));
    return transaction(one, `select partitions.fill(${name}, ${from}, ${upto});`);
  });
  return {
    missing,
    failed,
    sql: (state === "current" || missing.length === 0 ? "" : install) + calls.join(""),
  };
}

const transaction = ({ table, from, upto }: MissingPartition, statements: string) =>
  `-- ${table}: from ${from} to ${upto}\nbegin;\nset local lock_timeout = '500ms';\n${statements}\ncommit;\n`;

import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { compose } from "../sql/compose.ts";
import { patiently } from "../sql/patience.ts";
import { readSqlFile } from "../sql/sql-file.ts";
import { inTransaction } from "../sql/transaction.ts";

/** What of a table needs attention. */
export type Problem =
  | "now-not-covered"
  | "running-out"
  | "gap"
  | "default-has-rows"
  | "detach-pending"
  | "not-isolated";

/** An instant as ISO 8601, or `-infinity`, `infinity`. */
export type Bound = string;

export interface Expired {
  child: string;
  from: Bound;
  upto: Bound;
  /** As the planner estimates it. */
  rows: number;
  bytes: number;
}

/** A table that is partitioned by time. Names are schema.table, quoted where needed. */
export interface PartitionedTable {
  table: string;
  key: string;
  type: string;
  /** Whether it stands in partitions.managed; if not, period and time zone follow from the partitions. */
  managed: boolean;
  /** Null: not to be told from the partitions. */
  period: string | null;
  /** What the partitions look like where it cannot be told: those of another time zone. */
  likelyPeriod: string | null;
  timeZone: string;
  premake: number | null;
  /** An interval; null: rows are kept for ever. */
  retention: string | null;
  expired: "keep" | "detach" | "archive" | "drop" | null;
  archiveSchema: string | null;
  partitions: number;
  /** Null: there are no partitions. */
  from: Bound | null;
  upto: Bound | null;
  nowCovered: boolean;
  /** Whole periods without a gap after the current one (partitions, where the period cannot be told); null: without end, or none is for now. */
  periodsLeft: number | null;
  /** As the planner estimates it. */
  rows: number;
  bytes: number;
  /** What there has to be and is not, of a table that is kept up. */
  missing: { from: Bound; upto: Bound }[];
  gaps: { from: Bound; upto: Bound }[];
  /** `hasRows` null: there may be rows, which this role cannot see. */
  default: { child: string; hasRows: boolean | null } | null;
  detaching: string[];
  differing: { child: string; what: ("row security" | "policies" | "privileges")[] }[];
  expiredPartitions: Expired[];
  problems: Problem[];
}

/** A partition that has been detached, or is about to be, and what is to become of it. */
export interface Detached {
  table: string;
  child: string;
  action: "detach" | "archive" | "drop";
  from: Bound;
  upto: Bound;
}

export interface PartitionStatus {
  tables: PartitionedTable[];
  detached: Detached[];
}

export interface StatusRequest {
  /** One table instead of all, as people write its name. */
  table?: string | undefined;
  /** An interval: what is older counts as expired, instead of the retention that is kept up. */
  olderThan?: string | undefined;
  /** As if the table were kept up like that; what is left out is as it is. */
  asIf?:
    | { period?: string | undefined; timeZone?: string | undefined; premake?: number | undefined }
    | undefined;
}

/**
 * The tables that are partitioned by time, or the one that is named; in a database that has never heard of harness too. Reads only.
 * @throws HarnessError `unknown-table`, `not-partitioned-by-time`, `bad-option`
 */
export async function partitionStatus(
  client: Client,
  { table: named, olderThan, asIf }: StatusRequest = {},
): Promise<PartitionStatus> {
  // before the transaction, which pins the search_path
  const wanted = named === undefined ? undefined : await wholeName(client, named);
  return patiently(() =>
    inTransaction(
      client,
      "read only",
      async () => {
        if (olderThan !== undefined) await requireInterval(client, olderThan);
        const { managed, detached } = await registered(client);
        if (wanted !== undefined && asIf) await pretend(client, managed, wanted, asIf);
        const sql = compose(readSqlFile("harness/partitions/status.sql")).text;
        // as a function, since $ means something in a replacement
        const { rows } = await client.query(
          sql
            .replaceAll(":'managed'", () => client.escapeLiteral(JSON.stringify(managed)))
            .replaceAll(":'older_than'", () => client.escapeLiteral(olderThan ?? "")),
        );
        const all: PartitionedTable[] = rows[0].tables;
        if (wanted === undefined) return { tables: all, detached };
        const tables = all.filter(({ table }) => table === wanted);
        if (tables.length === 0) throw notPartitioned(wanted);
        return { tables, detached: detached.filter(({ table }) => table === wanted) };
      },
      { first: "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'" },
    ),
  );
}

/** Changes what is said of a table, or adds it: here only. */
async function pretend(
  client: Client,
  managed: Managed[],
  table: string,
  { period, timeZone, premake }: NonNullable<StatusRequest["asIf"]>,
): Promise<void> {
  const { rows } = await client.query<{ oid: number }>("select $1::regclass::oid::bigint as oid", [table]);
  const parent = Number(rows[0]?.oid);
  let known = managed.find((one) => Number(one.parent) === parent);
  if (!known) {
    known = { parent };
    managed.push(known);
  }
  if (period !== undefined) known.period = period;
  if (timeZone !== undefined) known.time_zone = timeZone;
  if (premake !== undefined) known.premake = premake;
}

/** @throws HarnessError `bad-option` */
async function requireInterval(client: Client, text: string): Promise<void> {
  const { rows } = await client
    .query<{ sound: boolean }>("select now() - $1::interval < now() as sound", [text])
    .catch((error) => {
      if (/^22/.test(error.code)) return { rows: [] };
      throw error;
    });
  if (rows[0]?.sound) return;
  throw new HarnessError({
    code: "bad-option",
    message: `${JSON.stringify(text)} is not a length of time`,
    hint: "Write it as Postgres does: '12 months', '90 days'.",
  });
}

const notPartitioned = (table: string) =>
  new HarnessError({
    code: "not-partitioned-by-time",
    message: `${table} is not partitioned by range of a time`,
    hint: "harness partitions status lists the tables that are; harness partitions convert makes one of a table.",
  });

/** schema.table of a name as people write it; without a schema it is found along the search_path. @throws HarnessError `unknown-table` */
export async function wholeName(client: Client, named: string): Promise<string> {
  // in a transaction that keeps the session's path, which others replace: hence each name with its schema
  await client.query("begin transaction read only");
  const { rows } = await client
    .query<{ name: string }>(
      `select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
         from pg_catalog.pg_class as c
         join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) c.relnamespace
        where c.oid operator(pg_catalog.=) pg_catalog.to_regclass($1)`,
      [named],
    )
    .catch((error) => {
      // a name that cannot be one, such as a.b.c.d or an open quote
      if (/^(42|0A)/.test(error.code)) return { rows: [] };
      throw error;
    })
    .finally(() => client.query("rollback").catch(() => undefined));
  if (rows[0]) return rows[0].name;
  throw new HarnessError({
    code: "unknown-table",
    message: `there is no table ${named}`,
    hint: "Write it as in SQL: schema.table, with double quotes where it has capital letters: 'public.\"Events\"'.",
  });
}

/** A row of partitions.managed. */
interface Managed {
  parent: number | string;
  period?: string | null;
  time_zone?: string | null;
  premake?: number | null;
}

/** What the pack's tables say, if they are there and this role may read them. */
async function registered(client: Client): Promise<{ managed: Managed[]; detached: Detached[] }> {
  const { rows } = await client.query<{ managed: boolean; detached: boolean }>(
    `select coalesce(has_schema_privilege(n.oid, 'usage') and has_table_privilege(to_regclass('partitions.managed'), 'select'), false) as managed,
            coalesce(has_schema_privilege(n.oid, 'usage') and has_table_privilege(to_regclass('partitions.detached'), 'select'), false) as detached
       from (select to_regnamespace('partitions')::oid) as n (oid)`,
  );
  const list = async (sql: string) => (await client.query(sql)).rows[0].list;
  return {
    managed: rows[0]?.managed
      ? await list(
          `select coalesce(json_agg(json_build_object('parent', m.parent::oid, 'period', m.period, 'time_zone', m.time_zone, 'premake', m.premake,
                    'retention', m.retention, 'expired', m.expired, 'archive_schema', m.archive_schema)), '[]') as list
             from partitions.managed as m`,
        )
      : [],
    detached: rows[0]?.detached
      ? await list(
          `select coalesce(json_agg(json_build_object('table', d.parent_name, 'child', d.child_name, 'action', d.action, 'from', d.starts_at,
                    'upto', d.ends_at) order by d.parent_name, d.starts_at), '[]') as list
             from partitions.detached as d
            where d.settled_at is null`,
        )
      : [],
  };
}

import type { Client } from "pg";
import type { Method } from "./settings.ts";

export type { Method } from "./settings.ts";

/** What comes next; `finish` waits to be asked. */
export type Step =
  | "build"
  | "children"
  | "index"
  | "bound"
  | "prove"
  | "watch"
  | "copy"
  | "verify"
  | "swap"
  | "validate"
  | "finish";

/** One row of `partitions.conversions`; timestamps are ISO 8601 strings. */
export interface Conversion {
  /** schema.table, quoted where needed. */
  relation: string;
  key: string;
  period: string;
  timeZone: string;
  method: Method;
  step: Step;
  oldest: string | null;
  newest: string | null;
  legacyUntil: string | null;
  /** Rows so far. */
  copied: number;
  /** Rows as the planner estimates them. */
  estimate: number;
  /** Size of the table with its indexes: what a copy takes. */
  bytes: number;
  /** Whether a key tells its rows apart, without which nothing can be copied. */
  identified: boolean;
  /** Partitions that there will be, the old table not counted. */
  partitions: number;
}

/** What is wanted. Undefined: the default. */
export interface Wish {
  relation: string;
  key: string;
  period: string;
  timeZone: string;
  method?: Method | undefined;
  extendKeys: boolean;
  premake: number;
  /** An interval. */
  retention?: string | undefined;
  /** More are refused. Undefined: 500. */
  maxPartitions?: number | undefined;
}

const columns = `c.relation, c.key_column as key, c.period, c.time_zone as "timeZone", c.method, c.step,
  to_json(c.oldest) #>> '{}' as oldest, to_json(c.newest) #>> '{}' as newest, to_json(c.legacy_until) #>> '{}' as "legacyUntil",
  c.copied::float as copied, greatest(s.reltuples, 0)::float as estimate, pg_catalog.pg_total_relation_size(s.oid)::float as bytes,
  partitions.identifying_index(c.source) is not null as identified,
  (select count(*)::int from partitions.periods(c.period, c.time_zone, coalesce(c.legacy_until, least(c.oldest, now())),
     greatest(c.newest, c.legacy_until, now()) + c.premake * partitions.step(c.period))) as partitions`;

const planned = `partitions.plan($1::regclass, $2, $3, $4, $5, $6, $7, $8::interval, $9)`;

const valuesOf = (wish: Wish) => [
  wish.relation,
  wish.key,
  wish.period,
  wish.timeZone,
  wish.method,
  wish.extendKeys,
  wish.premake,
  wish.retention,
  wish.maxPartitions,
];

/** The conversion of a table that is under way. */
export async function findConversion(client: Client, relation: string): Promise<Conversion | undefined> {
  const { rows } = await client.query<Conversion>(
    `select ${columns} from partitions.conversions as c left join pg_catalog.pg_class as s on s.oid = c.source where c.relation = $1`,
    [relation],
  );
  return rows[0];
}

/** What a conversion would be. Changes nothing. */
export async function planConversion(client: Client, wish: Wish): Promise<Conversion> {
  const { rows } = await client.query<Conversion>(
    `select ${columns} from ${planned} as c join pg_catalog.pg_class as s on s.oid = c.source`,
    valuesOf(wish),
  );
  return rows[0] as Conversion;
}

export async function beginConversion(client: Client, wish: Wish): Promise<void> {
  await client.query(`select partitions.begin_conversion(p) from ${planned} as p`, valuesOf(wish));
}

/** What stands in the way. */
export interface Blocker {
  object: string;
  reason: string;
  hint: string;
}

export async function blockersOf(client: Client, wish: Wish, method: Method): Promise<Blocker[]> {
  const { rows } = await client.query<Blocker>(
    "select object, reason, hint from partitions.blockers($1::regclass, $2, $3, $4)",
    [wish.relation, wish.key, wish.extendKeys, method],
  );
  return rows;
}

/** Whoever runs the same command once more has what he wants. */
export async function isPartitionedBy(
  client: Client,
  relation: string,
  key: string | undefined,
): Promise<boolean> {
  const { rows } = await client.query(
    `select from pg_catalog.pg_partitioned_table as p join pg_catalog.pg_attribute as a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
      where p.partrelid = $1::regclass and p.partstrat = 'r' and p.partnatts = 1 and a.attname = $2`,
    [relation, key ?? ""],
  );
  return rows.length > 0;
}

import pg, { type Client } from "pg";
import { exitCodes, HarnessError } from "../core/errors.ts";
import { explainQueryError } from "../sql/explain-query-error.ts";
import { connectionLost, isConnectionLost } from "../targets/session/connection-lost.ts";

/**
 * A HarnessError for what the database refused, and for a connection that was lost; anything else as it is.
 * @param again what lasts and what is safe to repeat, for the latter
 */
export function explainPartitionError(error: unknown, again = "Run this again."): unknown {
  const lost = error instanceof HarnessError ? error.cause : error;
  if (isConnectionLost(lost)) return connectionLost(lost, again);
  if (!(error instanceof pg.DatabaseError)) return error;
  const codes: Record<string, string> = {
    "42809": "not-partitioned-by-time",
    "55000": "partitions-refused",
    "22023": "bad-setting",
    "23514": "bad-setting",
    "22007": "bad-setting",
    "42501": "not-the-owner",
    "55P03": "table-busy",
    "25006": "read-only",
    "54000": "too-many-partitions",
  };
  const { code = "", message, hint } = error;
  const known = codes[code];
  if (!known) return explainQueryError(error);
  const hints: Record<string, string> = {
    "not-the-owner": "Connect as the owner of the table.",
    "table-busy": "Another session holds a lock for long: look at pg_stat_activity, then run this again.",
    "read-only": "This is a standby, or a session that may only read.",
    "bad-setting": "See docs/partitions.md.",
  };
  return new HarnessError({
    code: known,
    message,
    hint: hint ?? hints[known] ?? "See docs/partitions.md.",
    ...(known === "too-many-partitions" ? { exitCode: exitCodes.findings } : {}),
    cause: error,
  });
}

/** The same in one line, without hint: for one of several tables. */
export function reasonOf(error: unknown): string {
  const explained = explainPartitionError(error);
  return (explained instanceof Error ? explained.message : String(explained)).replace(/\s*\n\s*/g, " ");
}

/**
 * Who has held a lock on one of the tables for longest: `session 4711 (nightly report) for 12 min`, or a prepared transaction by its name; null
 * if it is gone already.
 * @param readersToo whether those count who only read
 */
export async function longestHolder(
  client: Client,
  tables: string[],
  readersToo = true,
): Promise<string | null> {
  const { rows } = await client
    .query<Holder & { prepared: string | null }>(
      // Since when is not known of sessions of other roles. A prepared transaction has no session, and its lock stays until somebody ends it.
      `select l.pid, nullif(a.application_name, '') as name, p.gid as prepared, extract(epoch from now() - coalesce(p.prepared, a.xact_start))::float as seconds
         from pg_catalog.pg_locks as l
         left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
         left join pg_catalog.pg_prepared_xacts as p on l.virtualtransaction = '-1/' || p.transaction
        where l.relation = any ($1::regclass[]) and l.granted and ($2 or l.mode not in ('AccessShareLock', 'RowShareLock'))
          and l.pid is distinct from pg_backend_pid() and coalesce(a.pid::text, p.gid) is not null
        order by coalesce(p.prepared, a.xact_start) limit 1`,
      [tables, readersToo],
    )
    .catch(() => ({ rows: [] }));
  const [holder] = rows;
  if (!holder) return null;
  if (holder.prepared !== null) return `the prepared transaction ${holder.prepared}${since(holder.seconds)}`;
  return sessionInWords(holder);
}

interface Holder {
  pid: number;
  name: string | null;
  /** How long its transaction has gone on; null: this role may not know. */
  seconds: number | null;
}

export const sessionInWords = ({ pid, name, seconds }: Holder): string =>
  `session ${pid}${name ? ` (${name})` : ""}${since(seconds)}`;

function since(seconds: number | null): string {
  if (seconds === null) return "";
  return ` for ${seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`}`;
}

/** Does something whose errors are explained. @param again what lasts and what is safe to repeat, where the connection is lost */
export async function explaining<T>(again: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainPartitionError(error, again);
  }
}

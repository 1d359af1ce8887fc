import pg, { type Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { explainQueryError } from "../database/explain-query-error.ts";

/** A HarnessError for what the database refused; anything else as it is. */
export function explainPartitionError(error: unknown): unknown {
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
    cause: error,
  });
}

/** The same in one line, without hint: for one of several tables. */
export function reasonOf(error: unknown): string {
  const explained = explainPartitionError(error);
  return (explained instanceof Error ? explained.message : String(explained)).replace(/\s*\n\s*/g, " ");
}

/**
 * Who has held a lock on one of the tables for longest, as far as the role may know: `session 4711 (nightly report) for 12 min`; null if
 * it is gone already.
 * @param readersToo whether those count who only read
 */
export async function longestHolder(
  client: Client,
  tables: string[],
  readersToo = true,
): Promise<string | null> {
  const { rows } = await client
    .query<{ pid: number; name: string | null; seconds: number }>(
      `select a.pid, nullif(a.application_name, '') as name, extract(epoch from now() - a.xact_start)::float as seconds
         from pg_catalog.pg_locks as l join pg_catalog.pg_stat_activity as a using (pid)
        where l.relation = any ($1::regclass[]) and l.granted and ($2 or l.mode not in ('AccessShareLock', 'RowShareLock'))
          and a.pid <> pg_backend_pid() and a.xact_start is not null
        order by a.xact_start limit 1`,
      [tables, readersToo],
    )
    .catch(() => ({ rows: [] }));
  const [holder] = rows;
  if (!holder) return null;
  const { pid, name, seconds } = holder;
  const since = seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
  return `session ${pid}${name ? ` (${name})` : ""} for ${since}`;
}

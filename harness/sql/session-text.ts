/**
 * SQL for a session in words, as far as our role may know: `session 4711 (nightly report) of role app, idle in transaction for 12 s`.
 * @param row alias of a row of pg_stat_activity
 */
export function sessionText(row: string): string {
  return `pg_catalog.concat('session ', ${row}.pid, ' (' || nullif(${row}.application_name, '') || ')', ' of role ' || ${row}.usename,
    ', ' || ${row}.state || ' for ' || extract(epoch from pg_catalog.now() - ${row}.xact_start)::bigint || ' s')`;
}

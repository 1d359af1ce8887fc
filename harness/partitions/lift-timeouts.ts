import type { Client } from "pg";

/**
 * Lifts the role's limits on whole transactions (PostgreSQL 17) and on pauses between them, for as long as the connection lives: a table takes
 * as long to read as it is large. Statements and locks keep the limits that each transaction brings along.
 */
export async function liftTimeouts(client: Client): Promise<void> {
  await client.query(
    `select set_config(s.name, '0', false) from pg_catalog.pg_settings as s
      where s.name in ('transaction_timeout', 'idle_session_timeout') and s.setting <> '0'`,
  );
}

import type { ClientBase } from "pg";
import { sessionText } from "../../sql/session-text.ts";
import { inTransaction } from "../../sql/transaction.ts";

/** A table whose policies can't be read now: since PostgreSQL 17 printing an expression waits for the table's lock. */
export interface LockedTable {
  oid: string;
  /** Qualified, and quoted where needed. */
  relation: string;
  /** Who has it locked, or waits to. */
  holder: string;
}

/** The tables that nobody may read now, or soon. */
export async function lockedTables(client: ClientBase): Promise<LockedTable[]> {
  const { rows } = await inTransaction(client, "read only", () =>
    client.query<LockedTable>(
      `select distinct on (c.oid) c.oid::text as oid, pg_catalog.format('%I.%I', n.nspname, c.relname) as relation, ${sessionText("a")} as holder
         from pg_catalog.pg_locks l
         join pg_catalog.pg_class c on c.oid = l.relation and c.relkind in ('r', 'p')
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         left join pg_catalog.pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock'
          and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
        order by c.oid, l.granted desc, a.xact_start`,
    ),
  );
  return rows;
}

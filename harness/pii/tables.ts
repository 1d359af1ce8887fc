import type { ClientBase } from "pg";
import { HarnessError } from "../core/errors.ts";
import { inTransaction } from "../sql/transaction.ts";
import { paint } from "../terminal/color.ts";
import type { Phase } from "./phases.ts";

export { type Phase, phases } from "./phases.ts";

/** A table with protected columns. */
export interface ProtectedTable {
  /** schema.table, quoted where needed. */
  table: string;
  phase: Phase;
  /** When it came into the phase. */
  since: Date;
}

/** A registered table that no command can work on. */
export interface UnusableTable {
  table: string;
  /** True: it was dropped, and holds nothing any more. */
  gone: boolean;
  reason: string;
}

interface Registered extends ProtectedTable {
  gone: boolean;
  missing: string[];
}

/** A table is found by its trigger, whatever it is called by now; columns are looked for by their names. */
const registered = `
  select coalesce(pii.name_of(pii.table_of(t.relation)), t.relation) as table, t.phase, t.since, pii.table_of(t.relation) is null as gone,
         array(select n.name from pii.protected_columns as c, unnest(array[c.column_name::text, c.column_name || '_encrypted', c.column_name || '_masked']) as n (name)
                where c.relation = t.relation
                  and not exists (select from pg_catalog.pg_attribute as a
                                   where a.attrelid = pii.table_of(t.relation) and a.attname = n.name and not a.attisdropped)) as missing
    from pii.protected_tables as t
   order by t.relation`;

function registeredTables(client: ClientBase): Promise<Registered[]> {
  return inTransaction(client, "read only", async () => {
    const { rows } = await client.query(
      "select to_regprocedure('pii.table_of(text)') is not null as installed",
    );
    return rows[0].installed ? (await client.query<Registered>(registered)).rows : [];
  });
}

/** Registered tables that were dropped, or that have lost columns. */
export async function unusableTables(client: ClientBase): Promise<UnusableTable[]> {
  return (await registeredTables(client)).filter(isUnusable).map(({ table, gone, missing }) => ({
    table,
    gone,
    reason: gone
      ? `is gone; select pii.forget('${table.replaceAll("'", "''")}') takes it off the list`
      : `has no column ${missing.join(", ")} any more: give the columns their names again`,
  }));
}

const isUnusable = ({ gone, missing }: Registered) => gone || missing.length > 0;

/**
 * The protected tables, or the one that is named.
 * @throws HarnessError `pii-not-installed`, `unknown-table`
 */
export async function protectedTables(client: ClientBase, named?: string): Promise<ProtectedTable[]> {
  const tables = (await registeredTables(client))
    .filter((one) => !isUnusable(one))
    .map(({ table, phase, since }) => ({ table, phase, since }));
  if (tables.length === 0) {
    throw new HarnessError({
      code: "pii-not-installed",
      message: "this database has no protected columns",
      hint: "Apply the migrations (harness apply), or protect a table with pii.protect() (docs/pii.md).",
    });
  }
  if (named === undefined) return tables;
  const wanted = tables.filter(({ table }) => table === named || table === `public.${named}`);
  if (wanted.length > 0) return wanted;
  throw new HarnessError({
    code: "unknown-table",
    message: `${JSON.stringify(named)} has no protected columns`,
    hint: `Choose from ${tables.map(({ table }) => table).join(", ")}.`,
  });
}

/** A line for each registered table that is passed by, since it is gone or has lost columns. */
export const describeUnusable = (tables: readonly UnusableTable[]): string[] =>
  tables.map(({ table, reason }) => paint.yellow(`${table} ${reason}`));

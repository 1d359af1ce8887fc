import type { Client } from "pg";

/** Every place of the database (schema.table.column) in which a text stands, in clear, within a text, JSON or bytea value. */
export async function placesOf(client: Client, text: string): Promise<string[]> {
  const { rows } = await client.query<{ relation: string; column: string; type: string }>(
    `select format('%I.%I', n.nspname, c.relname) as relation, a.attname as column, a.atttypid::regtype::text as type
       from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'm') and a.attnum > 0 and not a.attisdropped
        and n.nspname not in ('pg_catalog', 'information_schema', 'graphile_migrate') and n.nspname not like 'pg_toast%'
        and a.atttypid in ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'bytea'::regtype, 'text[]'::regtype)`,
  );
  const found: string[] = [];
  for (const { relation, column, type } of rows) {
    const condition =
      type === "bytea"
        ? `position(convert_to($1, 'UTF8') in "${column}") > 0`
        : `position(lower($1) in lower("${column}"::text)) > 0`;
    const { rowCount } = await client.query(`select from ${relation} where ${condition} limit 1`, [text]);
    if (rowCount) found.push(`${relation}.${column}`);
  }
  return found.sort();
}

import type { Client } from "pg";

interface ForeignKey {
  /** Names of tables, schema.table. */
  from: string;
  to: string;
}

/** Puts partitions in the order in which they can go: those of a table that refers to another before those of the other. */
export async function inOrderOfForeignKeys<T extends { table: string }>(
  client: Client,
  partitions: readonly T[],
): Promise<T[]> {
  const tables = [...new Set(partitions.map(({ table }) => table))];
  if (tables.length < 2) return [...partitions];
  const { rows } = await client.query<ForeignKey>(
    `select distinct f.name as from, t.name as to
       from unnest($1::text[]) as f (name)
       join pg_catalog.pg_constraint as c on c.conrelid = f.name::regclass and c.contype = 'f' and c.confrelid <> c.conrelid
       join unnest($1::text[]) as t (name) on c.confrelid = t.name::regclass
      order by 1, 2`,
    [tables],
  );
  const order = sorted(tables, rows);
  return order.flatMap((table) => partitions.filter((one) => one.table === table));
}

/** Whoever nobody refers to comes first. Of tables that refer to each other in a circle, the first as given. */
function sorted(tables: readonly string[], keys: readonly ForeignKey[]): string[] {
  const left = new Set(tables);
  const order: string[] = [];
  while (left.size > 0) {
    const waiting = new Set(keys.filter(({ from }) => left.has(from)).map(({ to }) => to));
    const [first] = [...left];
    const next = [...left].find((table) => !waiting.has(table)) ?? (first as string);
    left.delete(next);
    order.push(next);
  }
  return order;
}

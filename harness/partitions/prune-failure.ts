import type { Client, DatabaseError } from "pg";
import { sqlstateOf } from "../sql/patience.ts";
import { inTransaction } from "../sql/transaction.ts";
import { longestHolder, reasonOf } from "./explain.ts";

/** Why a partition could not be pruned, in one line. */
export async function describePruneFailure(
  client: Client,
  table: string,
  child: string,
  error: unknown,
): Promise<string> {
  const code = sqlstateOf(error);
  if (code === "23503") return describeReferences(client, table, child, error as DatabaseError);
  if (code === "2BP01") return `something depends on it: ${reasonOf(error)}`;
  if (code !== "55P03") return reasonOf(error);
  const holder = await longestHolder(client, [table, child]).catch(() => null);
  return `busy for too long${holder ? `: locked by ${holder}` : ""}; the next run goes on from here`;
}

interface Reference {
  /** Columns of the foreign key. */
  columns: string;
  itself: boolean;
  /** Of a row of the partition that refers to one of the same partition. */
  probe: string;
  /** The referring table was a partition, and is a table of its own now. */
  detached: boolean;
  /** Name of the foreign key that this is a part of. */
  whole: string;
}

async function describeReferences(
  client: Client,
  table: string,
  child: string,
  error: DatabaseError,
): Promise<string> {
  const { schema = "", table: referring = "", constraint = "" } = error;
  const name = `${schema}.${referring}`;
  const { rows } = await client.query<Reference>(
    `select string_agg(quote_ident(a.attname), ', ' order by k.place) as columns, c.conrelid in ($4::regclass, $5::regclass) as itself,
            format('select exists (select from %s as r join %1$s as t on (%s) = (%s)) as there', $4::text,
              string_agg(format('r.%I', a.attname), ', ' order by k.place), string_agg(format('t.%I', b.attname), ', ' order by k.place)) as probe,
            exists (select from partitions.detached as d where d.child = c.conrelid) as detached,
            -- the partition has a part of it, which can't be dropped alone
            (with recursive whole as (
               select c.conname, c.conparentid
                union all
               select above.conname, above.conparentid from whole as w join pg_catalog.pg_constraint as above on above.oid = w.conparentid
             ) select quote_ident(w.conname) from whole as w where w.conparentid = 0) as whole
       from pg_catalog.pg_constraint as c
       join pg_catalog.pg_class as r on r.oid = c.conrelid and r.relname = $2 and r.relnamespace = to_regnamespace(quote_ident($1))
      cross join unnest(c.conkey, c.confkey) with ordinality as k (attnum, target, place)
       join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.attnum
       join pg_catalog.pg_attribute as b on b.attrelid = c.confrelid and b.attnum = k.target
      where c.contype = 'f' and c.conname = $3
      group by c.oid limit 1`,
    [schema, referring, constraint, child, table],
  );
  const [reference] = rows;
  const foreignKey = constraint ? `, by ${constraint}` : "";
  if (reference?.itself) {
    const mutual = await inTransaction(client, "read only", () => client.query(reference.probe), {
      statementTimeoutMs: 5_000,
    }).then(
      ({ rows: found }) => found[0]?.there as boolean,
      () => undefined,
    );
    return mutual === false
      ? `rows of later partitions of ${table} refer to rows in it${foreignKey}: delete those rows first, or set ${reference.columns} to NULL in them`
      : `rows of this partition refer to one another${foreignKey}, and DETACH looks at each of them: delete the rows of ${child}, or set ${reference.columns} to NULL in them, and run this again`;
  }
  if (reference?.detached)
    return `rows of ${name} refer to rows in it${foreignKey}: it was detached, and keeps its foreign keys. alter table ${name} drop constraint ${reference.whole}; and run this again`;
  return `rows of other tables refer to rows in it (${referring ? `${name}${foreignKey}` : reasonOf(error)})`;
}

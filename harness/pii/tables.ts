import type { ClientBase } from "pg";
import { HarnessError } from "../core/errors.ts";
import { inTransaction } from "../database/transaction.ts";

export const phases = ["expand", "backfilled", "verified", "switched", "retiring", "retired"] as const;
export type Phase = (typeof phases)[number];

/** A table with protected columns. */
export interface ProtectedTable {
  /** schema.table, quoted where needed. */
  table: string;
  phase: Phase;
  /** When it came into the phase. */
  since: Date;
}

/**
 * The protected tables, or the one that is named.
 * @throws HarnessError `pii-not-installed`, `unknown-table`
 */
export async function protectedTables(client: ClientBase, named?: string): Promise<ProtectedTable[]> {
  const tables = await inTransaction(client, "read only", async () => {
    const { rows } = await client.query(
      "select to_regclass('pii.protected_tables') is not null as installed",
    );
    if (!rows[0].installed) return [];
    return (
      await client.query<ProtectedTable>(
        "select relation as table, phase, since from pii.protected_tables order by relation",
      )
    ).rows;
  });
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

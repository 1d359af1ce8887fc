import type { Client } from "pg";
import { exitCodes, HarnessError } from "../core/errors.ts";
import { inTransaction } from "../sql/transaction.ts";

interface Compared {
  period: string;
  sourceRows: number;
  copyRows: number;
  same: boolean;
}

/** Compares every row of a table and its copy, as one moment shows them: writers go on meanwhile, in both. @throws HarnessError `copy-differs` */
export async function compareCopy(client: Client, relation: string): Promise<void> {
  const { rows: parents } = await client.query(
    "select partitions.whole_name(parent) as parent from partitions.conversions where relation = $1",
    [relation],
  );
  await client.query("set statement_timeout = 0; set lock_timeout = 0");
  await client.query(`analyze ${parents[0]?.parent}`);
  const compared = await inTransaction(
    client,
    "read only",
    async () =>
      (
        await client.query<Compared>(
          `select starts_at::text as period, source_rows::float as "sourceRows", copy_rows::float as "copyRows",
                  source_rows = copy_rows and source_hash is not distinct from copy_hash as same
             from partitions.compare($1)`,
          [relation],
        )
      ).rows,
    {
      statementTimeoutMs: 0,
      idleTimeoutMs: 0,
      first: "set transaction isolation level repeatable read",
    },
  );
  const wrong = compared.filter(({ same }) => !same);
  if (wrong.length === 0) return;
  const [first] = wrong;
  throw new HarnessError({
    code: "copy-differs",
    message: `${relation} and its copy differ in ${wrong.length} periods, first in that of ${first?.period} (${first?.sourceRows} rows, ${first?.copyRows} in the copy)`,
    hint: `Nothing was swapped. harness partitions convert ${relation} --rollback, then begin again; and look for what changes the table without firing its triggers.`,
    exitCode: exitCodes.findings,
  });
}

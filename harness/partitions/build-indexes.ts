import type { Client } from "pg";
import { exitCodes, HarnessError } from "../core/errors.ts";
import { sqlstateOf } from "../sql/patience.ts";
import { oldestSnapshot } from "./older-transactions.ts";

/**
 * Builds the unique indexes with the partition key, concurrently and outside of transactions: nobody waits for them. They themselves wait for
 * every transaction that is older.
 * @param patienceMs how long to wait for those, each time
 * @throws HarnessError `older-transaction`
 */
export async function buildIndexes(client: Client, relation: string, patienceMs: number): Promise<void> {
  await client.query(`set lock_timeout = ${Math.max(1, Math.round(patienceMs))}; set statement_timeout = 0`);
  const { rows } = await client.query<{ index: string; statement: string; valid: boolean | null }>(
    "select index, statement, valid from partitions.index_statements($1)",
    [relation],
  );
  try {
    for (const { index, statement, valid } of rows) {
      // Left by a run that was killed.
      if (valid === false) await client.query(`drop index concurrently ${index}`);
      if (!valid) await client.query(statement);
    }
  } catch (error) {
    if (sqlstateOf(error) !== "55P03") throw error;
    const holder = await oldestSnapshot(client);
    throw new HarnessError({
      code: "older-transaction",
      message: `an index of ${relation} waits for transactions that are older than it${holder ? `, first for ${holder}` : ""}`,
      hint: "Nothing is lost but that index: run this again when they have ended.",
      exitCode: exitCodes.findings,
      cause: error,
    });
  }
}

import type { Client } from "pg";
import { packSql } from "../../../harness/partitions/pack.ts";

/** Conversions step by step, as the command does them, so that something else can happen between two of them. */
export async function installPartitions(client: Client): Promise<void> {
  await client.query(`set client_min_messages = warning; ${packSql()}`);
}

/** What conversions that were not ended have left, and the functions. */
export async function removePartitions(client: Client): Promise<void> {
  await client.query("set client_min_messages = warning; drop schema if exists partitions cascade");
  const { rows } = await client.query(
    "select quote_ident(nspname) as name from pg_namespace where nspname like 'partitions\\_%'",
  );
  for (const { name } of rows) await client.query(`drop schema ${name} cascade`);
}

export interface Options {
  method?: "attach" | "shadow";
  extendKeys?: boolean;
  period?: string;
  timeZone?: string;
}

export async function begin(
  client: Client,
  table: string,
  key: string,
  options: Options = {},
): Promise<void> {
  const { method = "shadow", extendKeys = true, period = "month", timeZone = "UTC" } = options;
  await client.query(
    "select partitions.begin_conversion(p) from partitions.plan($1::regclass, $2, $3, $4, $5, $6) as p",
    [table, key, period, timeZone, method, extendKeys],
  );
}

export async function nextStep(client: Client, table: string): Promise<string | undefined> {
  const { rows } = await client.query("select step from partitions.conversions where relation = $1", [table]);
  return rows[0]?.step;
}

/** Goes on until this step would be next, or to the end. */
export async function advance(client: Client, table: string, upto?: string): Promise<void> {
  for (;;) {
    const step = await nextStep(client, table);
    if (step === undefined || step === upto || step === "finish") return;
    if (step === "copy") await client.query("select * from partitions.copy_batch($1, 100)", [table]);
    else if (step === "index") {
      const { rows } = await client.query("select statement from partitions.index_statements($1)", [table]);
      for (const { statement } of rows) await client.query(statement);
      await client.query("select partitions.move_on($1, 'bound')", [table]);
    } else if (step === "verify") {
      await client.query("select partitions.note_transactions($1)", [table]);
      await client.query("select partitions.move_on($1, 'swap')", [table]);
    } else await client.query(`select partitions.step_${step}($1)`, [table]);
  }
}

/** The periods in which a table and its copy differ. */
export async function differences(client: Client, table: string): Promise<unknown[]> {
  const { rows } = await client.query(
    `select starts_at::date::text as period, source_rows::int as rows, copy_rows::int as copied from partitions.compare($1)
      where source_rows <> copy_rows or source_hash is distinct from copy_hash`,
    [table],
  );
  return rows;
}

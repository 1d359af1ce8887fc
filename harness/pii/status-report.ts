import type { Client } from "pg";
import { progressBar } from "../terminal/progress-bar.ts";
import { logLeaks } from "./key-in-log.ts";
import { nextStep } from "./next-step.ts";
import { assertKey } from "./session.ts";
import {
  type ColumnStatus,
  columnStatus,
  type KeyStatus,
  keyStatus,
  type Opened,
  openAll,
} from "./status.ts";
import { type ProtectedTable, protectedTables, type UnusableTable, unusableTables } from "./tables.ts";

export interface TableReport extends ProtectedTable {
  columns: ColumnStatus[];
  /** Null without a key. */
  opened: Opened | null;
  next: string | null;
}

export interface StatusReport {
  tables: TableReport[];
  unusable: UnusableTable[];
  keys: KeyStatus;
  warnings: string[];
}

/**
 * How far the protection of each table has come. Changes nothing.
 * @param table all without one
 * @param key opens every value where it is given
 */
export async function statusReport(
  client: Client,
  table: string | undefined,
  key: string | undefined,
): Promise<StatusReport> {
  const found = await protectedTables(client, table);
  if (key) await assertKey(client, key);
  const tables: TableReport[] = [];
  for (const one of found) {
    const columns = await columnStatus(client, one);
    const opened = key ? await open(client, one, columns, key) : null;
    tables.push({ ...one, columns, opened, next: nextStep(one, columns) });
  }
  const keys = await keyStatus(client);
  const warnings = (await logLeaks(client)).map(
    ({ name, cure }) => `${name} would write the key to the server's log; set ${cure}`,
  );
  const unusable = table === undefined ? await unusableTables(client) : [];
  return { tables, unusable, keys, warnings };
}

async function open(client: Client, table: ProtectedTable, columns: ColumnStatus[], key: string) {
  const bar = progressBar(`opening ${table.table}`, columns[0]?.rows ?? 0);
  try {
    return await openAll(client, table, { key }, bar.add);
  } finally {
    bar.stop();
  }
}

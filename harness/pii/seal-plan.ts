import type { Client } from "pg";
import { count } from "../terminal/numbers.ts";
import { columnStatus, toDo } from "./status.ts";
import { type ProtectedTable, protectedTables } from "./tables.ts";

/** What sealing a table would come to. */
export interface Work extends ProtectedTable {
  columns: { column: string; toDo: number }[];
  /** At least so many. */
  batches: number;
}

/** @param table all without one */
export async function planSealing(client: Client, table: string | undefined, batch: number): Promise<Work[]> {
  const plans: Work[] = [];
  for (const one of await protectedTables(client, table)) {
    const columns = (await columnStatus(client, one)).map((column) => ({
      column: column.column,
      toDo: toDo(one.phase, column),
    }));
    const batches = Math.ceil(Math.max(0, ...columns.map((column) => column.toDo)) / batch);
    plans.push({ ...one, columns, batches });
  }
  return plans;
}

export const describeWork = (plans: readonly Work[], batch: number): string =>
  plans
    .map(({ table, phase, columns, batches }) => {
      const values = columns.map(({ column, toDo: number }) => `${count(number)} values of ${column}`);
      return `${table}, phase ${phase}: ${values.join(", ")}; at least ${count(batches)} batches of ${count(batch)} rows\n`;
    })
    .join("");

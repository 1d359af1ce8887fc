import { table } from "../../terminal/table.ts";
import type { StatementResult } from "./run-as.ts";

/** Rows as objects: what programs read. */
export const resultsAsJson = (results: readonly StatementResult[]): object[] =>
  results.map(({ command, rowCount, columns, rows }) => ({
    command,
    rowCount,
    rows: rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]]))),
  }));

/** Rows as tables, as psql shows them. */
export const describeResults = (results: readonly StatementResult[]): string =>
  results
    .map(({ command, rowCount, columns, rows }) => {
      const cells = rows.map((row) => row.map(cell));
      return `${columns.length > 0 ? table(columns, cells) : ""}${command} ${rowCount}\n`;
    })
    .join("");

const cell = (value: unknown): string =>
  value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);

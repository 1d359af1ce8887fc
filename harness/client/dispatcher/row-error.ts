import { sqlstateOf } from "../../core/errors.ts";

/** Of the connection, the transaction or the server: it passes, whatever rows are concerned. */
const passing = /^(08|25|40|53|55|57|58|XX)/;

/** The server has refused a row, or a value: without it the others go through. */
export function isRowError(error: unknown): boolean {
  const code = sqlstateOf(error);
  return /^[0-9A-Z]{5}$/.test(code) && !passing.test(code);
}

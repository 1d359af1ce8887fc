import { appendFileSync } from "node:fs";

/**
 * One row of the table of faults: what was done to a command, how often, and what came of it. Appended as a line of JSON to the file that
 * HARNESS_FAULT_TABLE names; nowhere without it.
 */
export function faultRow(command: string, injected: string, times: number, result: string): void {
  const file = process.env.HARNESS_FAULT_TABLE;
  if (file) appendFileSync(file, `${JSON.stringify({ command, injected, times, result })}\n`);
}

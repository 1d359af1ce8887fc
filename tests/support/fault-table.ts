import { appendFileSync } from "node:fs";

/** A row of the table of faults, as a line of JSON in the file that HARNESS_FAULT_TABLE names; without it nothing. */
export function faultRow(command: string, injected: string, times: number, result: string): void {
  const file = process.env.HARNESS_FAULT_TABLE;
  if (file) appendFileSync(file, `${JSON.stringify({ command, injected, times, result })}\n`);
}

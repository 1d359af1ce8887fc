import { appendFileSync } from "node:fs";

/** A row of the table of faults that `npm run test:long` prints: what was done to a command, how often, and what came of it. */
export function faultRow(command: string, injected: string, times: number, result: string): void {
  const file = process.env.HARNESS_FAULT_TABLE;
  if (file) appendFileSync(file, `${JSON.stringify({ command, injected, times, result })}\n`);
}

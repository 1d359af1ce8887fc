import { appendFileSync } from "node:fs";

/**
 * Notes what a randomised test injected and what came of it, for the table that `npm run test:long` prints (docs/reliability.md). Does nothing
 * unless HARNESS_FAULT_TABLE names a file.
 * @param injected what was done to the command, e.g. `kill -9 at a random moment`
 * @param result what always held, with the numbers that count
 */
export function faultRow(command: string, injected: string, times: number, result: string): void {
  const file = process.env.HARNESS_FAULT_TABLE;
  if (!file) return;
  appendFileSync(
    file,
    `${JSON.stringify({ command, injected, times, result, seed: process.env.HARNESS_SEED ?? null })}\n`,
  );
}

import { type ColumnStatus, toDo } from "./status.ts";
import type { ProtectedTable } from "./tables.ts";

/** What to do next with a table, or null if its roll-out is complete. */
export function nextStep({ phase }: ProtectedTable, columns: readonly ColumnStatus[]): string | null {
  const open = columns.some((column) => toDo(phase, column) > 0);
  if (open) return "harness pii backfill";
  const steps: Record<typeof phase, string | null> = {
    expand: "harness pii advance: to backfilled, where nothing may stand in clear alone",
    backfilled: "harness pii advance: to verified, which opens every value (needs the key)",
    verified: "have applications read the views, then harness pii advance: to switched",
    switched: "when nobody needs to go back: harness pii advance: to retiring",
    retiring: "harness pii advance: to retired, which drops what derives from the plaintext",
    retired: null,
  };
  return steps[phase];
}

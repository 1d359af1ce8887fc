import type { ClientBase } from "pg";
import { HarnessError } from "../core/errors.ts";
import { patiently } from "../sql/patience.ts";
import { asOwner, type Keys } from "./session.ts";
import { type Phase, type ProtectedTable, phases } from "./tables.ts";

/** The next phase, or the one before. @throws HarnessError `no-such-phase` */
export function phaseBeside({ table, phase }: ProtectedTable, back: boolean): Phase {
  const found = phases[phases.indexOf(phase) + (back ? -1 : 1)];
  if (found) return found;
  throw new HarnessError({
    code: "no-such-phase",
    message: `${table} is in phase ${phase}, the ${back ? "first" : "last"} one`,
    hint: "There is nothing to do.",
  });
}

/** Opening every value takes as long as it takes; the locks that anybody waits for come after it, and are short. */
const limits = { statementTimeoutMs: 6 * 60 * 60_000 };

/** @throws HarnessError `phase-refused` with the reason */
export async function moveTo(
  client: ClientBase,
  { table }: ProtectedTable,
  phase: Phase,
  keys: Keys,
): Promise<void> {
  await patiently(() =>
    asOwner(
      client,
      "read write",
      keys,
      () => client.query("select pii.move_to($1::regclass, $2)", [table, phase]),
      limits,
    ),
  );
}

/** The only one of them. @throws HarnessError `which-table` */
export function theTable(tables: readonly ProtectedTable[]): ProtectedTable {
  const [table] = tables;
  if (table && tables.length === 1) return table;
  throw new HarnessError({
    code: "which-table",
    message: `several tables have protected columns: ${tables.map((one) => one.table).join(", ")}`,
    hint: "Say which one with --table.",
  });
}

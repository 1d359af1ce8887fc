import type { Client } from "pg";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import { keyFromEnvironment } from "../pii/key.ts";
import { logLeaks } from "../pii/key-in-log.ts";
import { nextStep } from "../pii/next-step.ts";
import { assertKey } from "../pii/session.ts";
import {
  type ColumnStatus,
  columnStatus,
  type KeyStatus,
  keyStatus,
  type Opened,
  openAll,
} from "../pii/status.ts";
import { type ProtectedTable, protectedTables, type UnusableTable, unusableTables } from "../pii/tables.ts";
import { paint } from "../terminal/color.ts";
import { count } from "../terminal/numbers.ts";
import { print } from "../terminal/output.ts";
import { progressBar } from "../terminal/progress-bar.ts";
import { table as textTable } from "../terminal/table.ts";
import { describeProblem, type PiiOptions, printJson, say } from "./pii-options.ts";
import { withPii } from "./pii-session.ts";

interface StatusOptions extends PiiOptions {
  /** False: values are not opened although there is a key. */
  open?: boolean;
}

interface TableReport extends ProtectedTable {
  columns: ColumnStatus[];
  /** Null without a key. */
  opened: Opened | null;
  next: string | null;
}

/** How far the protection of each table has come. Changes nothing. Exit code 1 if a value does not open. */
export async function piiStatus(options: StatusOptions): Promise<ExitCode> {
  const key = options.open === false ? undefined : keyFromEnvironment("HARNESS_PII_KEY");
  const early = { done: () => "nothing was changed", goOn: "Run it again." };
  return withPii(options, "reads", "pii status", early, async ({ client, target }) => {
    const found = await protectedTables(client, options.table);
    if (key) await assertKey(client, key);
    const tables: TableReport[] = [];
    for (const table of found) {
      const columns = await columnStatus(client, table);
      const opened = key ? await open(client, table, columns, key) : null;
      tables.push({ ...table, columns, opened, next: nextStep(table, columns) });
    }
    const keys = await keyStatus(client);
    const warnings = (await logLeaks(client)).map(
      ({ name, cure }) => `${name} would write the key to the server's log; set ${cure}`,
    );
    const unusable = options.table === undefined ? await unusableTables(client) : [];
    if (options.json) printJson({ branch: target.branch, tables, unusable, keys, warnings });
    else describe(tables, unusable, keys, warnings);
    return tables.some(({ opened }) => opened && opened.damaged + opened.differing > 0)
      ? exitCodes.findings
      : exitCodes.clean;
  });
}

async function open(client: Client, table: ProtectedTable, columns: ColumnStatus[], key: string) {
  const bar = progressBar(`opening ${table.table}`, columns[0]?.rows ?? 0);
  try {
    return await openAll(client, table, { key }, bar.add);
  } finally {
    bar.stop();
  }
}

function describe(
  tables: TableReport[],
  unusable: UnusableTable[],
  keys: KeyStatus,
  warnings: string[],
): void {
  for (const { table, phase, since, columns, opened, next } of tables) {
    say(
      `${paint.bold(table)}: phase ${paint.bold(phase)} since ${since.toISOString().slice(0, 16).replace("T", " ")} UTC`,
    );
    const cells = columns.map(
      (c) =>
        [
          c.column,
          ...[c.rows, c.plaintext, c.sealed, c.unsealed, c.stale, c.unsearchable].map(count),
        ] as string[],
    );
    print(textTable(["column", "rows", "in clear", "sealed", "to seal", "old key", "no look-up"], cells));
    if (opened) {
      say(
        `opened ${count(opened.checked)} rows: ${count(opened.damaged)} values damaged, ${count(opened.differing)} not what stands in clear`,
      );
      for (const problem of opened.problems) say(paint.red(describeProblem(problem)));
    } else {
      say(paint.dim("values were not opened: that needs HARNESS_PII_KEY"));
    }
    say(next ? `next: ${next}\n` : "complete\n");
  }
  for (const { table, reason } of unusable) say(paint.yellow(`${table} ${reason}\n`));
  const { active, retiring, destroyed, changing, configured } = keys;
  say(`data keys: ${count(active)} active, ${count(retiring)} being replaced, ${count(destroyed)} destroyed`);
  if (configured > 1 && changing === 0)
    say(paint.red(`they are under ${count(configured)} configured keys, and nobody has all of them`));
  if (retiring > 0 || changing > 0)
    say("a rotation is under way: harness pii rotate goes on, --finish ends it");
  for (const warning of warnings) say(paint.yellow(`warning: ${printable(warning)}`));
}

import { withClient } from "../command-line/session.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { requireKey } from "../pii/key.ts";
import { assertKey } from "../pii/session.ts";
import { columnStatus, toDo } from "../pii/status.ts";
import { protectedTables } from "../pii/tables.ts";
import { count } from "../terminal/numbers.ts";
import { printJson, type SealingOptions, say } from "./pii-options.ts";
import { describeSealed, effortOf, sealTables, Tally } from "./pii-sealing.ts";
import { sayUnusable, withPii } from "./pii-session.ts";

interface BackfillOptions extends SealingOptions {
  dryRun?: boolean;
}

/**
 * Seals what stands in clear alone, or drops plaintext where a table is retiring. May be killed and run again. Exit code 1 if
 * something is left.
 */
export async function piiBackfill(options: BackfillOptions): Promise<ExitCode> {
  const effort = effortOf(options);
  if (options.dryRun) return rehearse(options, effort.batch);
  const key = requireKey("HARNESS_PII_KEY");
  const tally = new Tally();
  const early = { done: () => tally.text(), goOn: "Run harness pii backfill again: it goes on from there." };
  return withPii(options, "writes", "pii backfill", early, async ({ client, target }) => {
    const tables = await protectedTables(client, options.table);
    await assertKey(client, key);
    const sealed = await sealTables(client, target.url, tables, { key }, effort, tally);
    if (options.json) printJson({ branch: target.branch, tables: sealed });
    else {
      for (const one of sealed) describeSealed(one);
      await sayUnusable(client);
    }
    return sealed.every(({ left }) => left === 0) ? exitCodes.clean : exitCodes.findings;
  });
}

async function rehearse(options: BackfillOptions, batch: number): Promise<ExitCode> {
  return withClient(options, "reads", "pii backfill", async ({ client, target }) => {
    const plans = [];
    for (const table of await protectedTables(client, options.table)) {
      const columns = (await columnStatus(client, table)).map((column) => ({
        column: column.column,
        toDo: toDo(table.phase, column),
      }));
      const batches = Math.ceil(Math.max(0, ...columns.map((column) => column.toDo)) / batch);
      plans.push({ ...table, columns, batches });
    }
    if (options.json) printJson({ branch: target.branch, dryRun: true, tables: plans });
    else {
      for (const { table, phase, columns, batches } of plans) {
        const values = columns
          .map(({ column, toDo: number }) => `${count(number)} values of ${column}`)
          .join(", ");
        say(
          `${table}, phase ${phase}: ${values}; at least ${count(batches)} batches of ${count(batch)} rows`,
        );
      }
      say("Nothing was changed");
    }
    return exitCodes.clean;
  });
}

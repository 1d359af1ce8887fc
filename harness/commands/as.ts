import { requireIsolation } from "../config/load.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { contextExpression, tenantSettings } from "../isolation/context.ts";
import { runAs, type StatementResult } from "../sql/act-as/run-as.ts";
import { jsonOutput } from "../terminal/json-output.ts";
import { note, print } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import type { DatabaseOptions } from "./options.ts";
import { withClient } from "./with-target.ts";

export interface AsOptions extends DatabaseOptions {
  role?: string;
  commit?: boolean;
}

/** Runs SQL as a tenant would, in one transaction that is rolled back unless --commit. */
export async function as(tenant: string, sql: string, options: AsOptions): Promise<ExitCode> {
  const { commit = false, json = false } = options;
  return withClient(options, commit ? "writes" : "reads", "as", async ({ client, config }) => {
    const isolation = requireIsolation(config);
    const role = options.role ?? isolation.tenantRoles[0] ?? "";
    const nobody = contextExpression(isolation).replaceAll("%s", "text").replaceAll("%%", "%");
    const settings = tenantSettings(isolation, tenant);
    const answer = await runAs(client, role, sql, { settings, nobody, commit });
    // "All my queries return nothing" is most often a context that names nobody.
    if (answer.nobody) note("The context names nobody, so that no row is visible: is this a tenant's id?");
    show(answer.results, json);
    if (!commit && !json) note("Rolled back (--commit keeps the changes)");
    return exitCodes.clean;
  });
}

function show(results: StatementResult[], json: boolean): void {
  if (json) {
    const objects = results.map(({ command, rowCount, columns, rows }) => ({
      command,
      rowCount,
      rows: rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]]))),
    }));
    print(jsonOutput({ results: objects }));
    return;
  }
  for (const { command, rowCount, columns, rows } of results) {
    const text = (value: unknown) =>
      value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
    if (columns.length > 0)
      print(
        table(
          columns,
          rows.map((row) => row.map(text)),
        ),
      );
    print(`${command} ${rowCount}\n`);
  }
}

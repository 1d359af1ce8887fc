import pg, { type Client, type QueryResult } from "pg";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { jsonOutput } from "../core/json-output.ts";
import { explainQueryError } from "../database/explain-query-error.ts";
import { splitStatements } from "../database/statements.ts";
import { beginStatement } from "../database/transaction.ts";
import { table } from "../report/table.ts";
import { requireIsolation } from "../tenancy/config.ts";
import type { Isolation } from "../tenancy/config-schema.ts";
import { contextExpression, tenantSettings } from "../tenancy/context.ts";
import type { DatabaseOptions } from "./options.ts";
import { withClient } from "./with-target.ts";

export interface AsOptions extends DatabaseOptions {
  role?: string;
  commit?: boolean;
}

/** Runs SQL as a tenant would, in one transaction that is rolled back unless --commit. */
export async function as(tenant: string, sql: string, options: AsOptions): Promise<ExitCode> {
  return withClient(options, options.commit ? "writes" : "reads", "as", async ({ client, config }) => {
    const isolation = requireIsolation(config);
    const settings = {
      ...tenantSettings(isolation, tenant),
      role: options.role ?? isolation.tenantRoles[0] ?? "",
    };
    await refuseTransactionControl(sql);
    await client.query(beginStatement("read write"));
    try {
      const calls = Object.keys(settings).map((_, at) => `set_config($${2 * at + 1}, $${2 * at + 2}, true)`);
      await client.query(`select ${calls.join(", ")}`, Object.entries(settings).flat());
      await warnIfNobody(client, isolation);
      const answers = (await client.query(sql)) as QueryResult | QueryResult[];
      show([answers].flat(), options.json ?? false);
      await client.query(options.commit ? "commit" : "rollback");
    } catch (error) {
      await client.query("rollback").catch(() => undefined);
      throw error instanceof pg.DatabaseError ? explainQueryError(error) : error;
    }
    if (!options.commit && !options.json) process.stderr.write("Rolled back (--commit keeps the changes)\n");
    return exitCodes.clean;
  });
}

/** What ends our transaction would end the tenant's role with it, and go on as the owner. */
async function refuseTransactionControl(sql: string): Promise<void> {
  const found = (await splitStatements(sql)).find(({ kind }) => kind !== "other" && kind !== "savepoint");
  if (!found) return;
  throw new HarnessError({
    code: "transaction-control",
    message: `${found.text} has no place here: the statement runs in a transaction of harness`,
    hint: "Leave it out; --commit keeps the changes.",
  });
}

/** "All my queries return nothing" is most often a context that names nobody. */
async function warnIfNobody(client: Client, isolation: Isolation): Promise<void> {
  const expression = contextExpression(isolation).replaceAll("%s", "text").replaceAll("%%", "%");
  const { rows } = await client.query(`select (${expression}) is null as nobody`);
  if (rows[0].nobody)
    process.stderr.write("The context names nobody, so that no row is visible: is this a tenant's id?\n");
}

function show(answers: QueryResult[], json: boolean): void {
  if (json) {
    const results = answers.map(({ command, rowCount, rows }) => ({ command, rowCount, rows }));
    process.stdout.write(jsonOutput({ results }));
    return;
  }
  for (const { command, rowCount, rows, fields } of answers) {
    if (fields.length > 0)
      process.stdout.write(
        table(
          fields.map((field) => field.name),
          rows.map((row) => Object.values(row).map(String)),
        ),
      );
    process.stdout.write(`${command} ${rowCount ?? ""}\n`);
  }
}

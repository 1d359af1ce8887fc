import type { ClientBase } from "pg";
import type { Flavor } from "../branches/target.ts";
import { HarnessError } from "../core/errors.ts";
import { readSqlFile } from "../database/sql-file.ts";
import type { Isolation } from "./config-schema.ts";

export interface TenantTable {
  oid: string;
  /** Qualified, and quoted where needed. */
  relation: string;
  tenantColumn: string;
  type: string;
  /** Two tenants that no database has, in the column's type. */
  own: string;
  other: string;
}

/** What a database's isolation rests on: the configuration, matched with the catalogue. */
export interface IsolationModel {
  database: string;
  user: string;
  serverVersion: string;
  /** The session's role is exempt from every policy, and from every privilege that we ask about. */
  superuser: boolean;
  inRecovery: boolean;
  flavor: Flavor;
  isolation: Isolation;
  tables: TenantTable[];
}

/**
 * Reads the tenant tables in one round trip.
 * @throws HarnessError `unknown-table` (the configuration names one that is not there)
 */
export async function loadModel(client: ClientBase, isolation: Isolation): Promise<IsolationModel> {
  const { rows } = await client.query(readSqlFile("harness/tenancy/model.sql").text, [
    JSON.stringify(isolation),
  ]);
  const { missingTables, ...found } = rows[0];
  if (missingTables.length > 0) {
    throw new HarnessError({
      code: "unknown-table",
      message: `harness.config.json names ${missingTables.join(", ")}, which ${found.database} does not have with that column`,
      hint: "Run `harness apply` on this branch, or correct isolation.tables.",
    });
  }
  return { ...found, isolation };
}

/** Some tables to verify, or the reason why there are none. */
export function requireTables(model: IsolationModel): void {
  if (model.tables.length > 0) return;
  const { schemas, tenantColumn } = model.isolation;
  throw new HarnessError({
    code: "no-tenant-tables",
    message: `${model.database} has no table with a column "${tenantColumn}" in schema ${schemas.join(", ")}`,
    hint: "Run `harness apply` on this branch first, or describe its tables in harness.config.json.",
  });
}

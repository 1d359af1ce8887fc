import type { ClientBase } from "pg";
import type { NamedContext } from "../client/context-settings.ts";
import type { Flavor } from "../config/flavors.ts";
import type { Isolation, TenantContext } from "../config/schema.ts";
import { HarnessError } from "../core/errors.ts";
import { readSqlFile } from "../sql/sql-file.ts";
import { inTransaction, neutralSettings } from "../sql/transaction.ts";
import { scopePredicate } from "./context.ts";
import { type FoundMembership, realMembers } from "./membership.ts";

export interface TenantTable {
  oid: string;
  /** Qualified, and quoted where needed. */
  relation: string;
  tenantColumn: string;
  type: string;
  /** Two tenants that no database has, in the column's type. */
  own: string;
  other: string;
  /** A tenant of the user whom the membership context names. */
  member?: string;
  /** What its policies should say, as SQL, where the configuration's own context is not the one. */
  predicate?: string;
}

/** A tenant table of whose rows nothing can be told, with the reason. */
export interface UndecidableTable {
  relation: string;
  tenantColumn: string;
  type: string;
  reason: string;
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
  undecidable: UndecidableTable[];
  /** Every context that some table is compared with, and the made-up tenant or user that it is to name. */
  contexts: NamedContext[];
  /** The same with users that there are, where rows belong to the tenants of a user: the one way to see a row open. */
  memberContexts: NamedContext[];
  source: "config" | "discovered";
  /** How sure it is of what was discovered; null if it was told. */
  confidence: "high" | "medium" | "low" | null;
  notes: string[];
}

/** What model.sql answers about a table. */
type FoundTable = TenantTable & {
  context: TenantContext;
  /** The context is the configuration's own. */
  ordinary: boolean;
};

/**
 * Reads the tenant tables in one round trip, and one more for each membership table.
 * @throws HarnessError `unknown-table` (the configuration names one that is not there)
 */
export async function loadModel(client: ClientBase, isolation: Isolation): Promise<IsolationModel> {
  const { text } = readSqlFile("harness/isolation/model.sql");
  const { rows } = await inTransaction(
    client,
    "read only",
    () => client.query(text, [JSON.stringify(isolation)]),
    {
      first: neutralSettings,
    },
  );
  const { missingTables, members, ...found } = rows[0];
  if (missingTables.length > 0) {
    throw new HarnessError({
      code: "unknown-table",
      message: `the isolation model names ${missingTables.join(", ")}, which ${found.database} does not have with that column`,
      hint: "Run `harness apply` on this branch, or correct isolation.tables.",
    });
  }
  const { memberContexts, tenantOf } = await realMembers(client, members);
  const tables = (found.tables as FoundTable[]).map(({ context, ordinary, ...table }) => {
    const member = tenantOf(context);
    const predicate = ordinary && !context.membership ? null : predicateOf(table, context, members);
    return { ...table, ...(member ? { member } : {}), ...(predicate ? { predicate } : {}) };
  });
  return { ...found, isolation, tables, memberContexts, source: "config", confidence: null, notes: [] };
}

function predicateOf(
  { relation, tenantColumn, type }: TenantTable,
  context: TenantContext,
  members: FoundMembership[],
): string {
  const { membership, ...direct } = context;
  const found = members.find((member) => JSON.stringify(member.context) === JSON.stringify(context));
  // a policy of the membership table that looks into the membership table never ends
  if (!found || found.relation === relation)
    return scopePredicate(
      direct,
      found ? (membership?.member ?? tenantColumn) : tenantColumn,
      found?.type ?? type,
    );
  return scopePredicate(context, tenantColumn, type, found);
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

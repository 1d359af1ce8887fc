import type { ClientBase } from "pg";
import { HarnessError } from "../../core/errors.ts";
import { sqlstateOf } from "../../sql/patience.ts";
import { readSqlFile } from "../../sql/sql-file.ts";
import { inTransaction, neutralSettings } from "../../sql/transaction.ts";
import { contextOf, ordinaryContext } from "./context.ts";
import { type Discovery, type FoundRole, type FoundTable, least } from "./discovery.ts";
import { type LockedTable, lockedTables } from "./locked.ts";
import { chooseRoles } from "./roles.ts";
import { chooseColumn } from "./tenant-column.ts";

/**
 * Finds out by whom, by what and for whom rows are told apart in a database never seen before. Reads the catalogue, which everybody
 * may, and nothing else.
 * @throws HarnessError `no-isolation-model`
 */
export async function discoverIsolation(client: ClientBase): Promise<Discovery> {
  const { tables, roles, locked } = await readCatalogue(client);
  const tenantTables = tables.filter((table) => table.column !== null);
  const saidByRole =
    tables.some(({ readsUser }) => readsUser) && !tenantTables.some(({ source }) => source === "policy");
  if (tenantTables.length === 0 || saidByRole) throw nothingFound(tables, locked);

  const column = chooseColumn(tenantTables);
  const chosenRoles = chooseRoles(roles);
  const context = ordinaryContext(tenantTables, column.name, chosenRoles.names);
  const schemas = [...new Set(tenantTables.map(({ schema }) => schema))].sort();
  const withoutTenantColumn = tables
    .filter(({ schema, column, isPartition }) => schemas.includes(schema) && !column && !isPartition)
    .map(({ relation }) => relation);
  const exceptions = tenantTables.flatMap((table) => {
    const own = contextOf(table, context.value, tenantTables, chosenRoles.names);
    const differs = JSON.stringify(own) !== JSON.stringify(context.value);
    if (table.column === column.name && !differs) return [];
    const entry = { tenantColumn: table.column as string, ...(differs ? { context: own } : {}) };
    return [[table.plainName, entry] as const];
  });
  return {
    isolation: {
      schemas,
      tenantColumn: column.name,
      tenantRoles: chosenRoles.names,
      context: context.value,
      tables: Object.fromEntries(exceptions),
      exempt: {},
    },
    confidence: least(column.certainty, context.certainty, chosenRoles.certainty),
    tenantColumn: column.certainty,
    context: context.certainty,
    tenantRoles: chosenRoles.certainty,
    owners: roles.filter(({ owner }) => owner).map(({ name }) => name),
    bypassRoles: roles.filter(({ bypass }) => bypass).map(({ name }) => name),
    staffRoles: chosenRoles.staff,
    withoutTenantColumn,
    locked,
    notes: [
      ...column.notes,
      ...context.notes,
      ...chosenRoles.notes,
      ...noteWithout(withoutTenantColumn),
      ...locked.map(({ relation, holder }) => `${relation} is left out: ${holder} has it locked`),
    ],
  };
}

interface Catalogue {
  tables: FoundTable[];
  roles: FoundRole[];
  locked: LockedTable[];
}

/** Reads the catalogue, without what lies behind a lock that is not let go of in time. */
async function readCatalogue(client: ClientBase): Promise<Catalogue> {
  for (let locked: LockedTable[] = [], attempt = 1; ; attempt++) {
    const leftOut = locked.map(({ oid }) => oid);
    try {
      return { ...(await readUnlocked(client, leftOut)), locked };
    } catch (error) {
      if (sqlstateOf(error) !== "55P03" || attempt === attempts) throw error;
      locked = await lockedTables(client);
    }
  }
}

/** More than one lock can come while we look. */
const attempts = 4;

function readUnlocked(client: ClientBase, locked: string[]): Promise<Omit<Catalogue, "locked">> {
  return inTransaction(client, "read only", async () => {
    // The planner knows nothing about the size of what one part of the query hands to the next: it would go through all tables for each table.
    await client.query(
      `${neutralSettings} set local enable_nestloop = off; set local jit = off; set local work_mem = '64MB'; set local harness.locked = '{${locked.join(",")}}'`,
    );
    const tablesQuery = ["session-keys", "tenant-columns", "tables"].map(readSql).join("\n");
    const tables: FoundTable[] = (await client.query(tablesQuery)).rows;
    const oids = tables
      .filter(({ column, oid }) => column && !locked.includes(String(oid)))
      .map(({ oid }) => oid);
    return { tables, roles: (await client.query(readSql("roles"), [oids])).rows as FoundRole[] };
  });
}

function readSql(name: string): string {
  return readSqlFile(`harness/isolation/discovery/${name}.sql`).text;
}

function noteWithout(relations: string[]): string[] {
  if (relations.length === 0) return [];
  const shown = relations.slice(0, 10).join(", ");
  const more = relations.length > 10 ? ` and ${relations.length - 10} more` : "";
  return [
    `no tenant column was found in ${shown}${more}: list what is shared on purpose under isolation.exempt, with the reason`,
  ];
}

function nothingFound(tables: FoundTable[], [locked]: LockedTable[]): HarnessError {
  if (locked) {
    return new HarnessError({
      code: "waited-for-lock",
      message: `without the policies of ${locked.relation} nothing says whose a row is, and ${locked.holder} has it locked`,
      hint: "Run this again once that session is done; nothing was changed.",
    });
  }
  const policies = tables.reduce((sum, table) => sum + table.policies, 0);
  const byUser = tables.some(({ readsUser }) => readsUser);
  const message = byUser
    ? "rows seem to belong to roles of the server (current_user), which a tenant context can't express"
    : `nothing in this database says whose a row is: ${tables.length} tables, ${policies} policies, and no column that names a tenant`;
  return new HarnessError({
    code: "no-isolation-model",
    message,
    hint: "Describe the tenant column, roles and context in harness.config.json (docs/configuration.md); `harness init` writes a first one where it finds something.",
  });
}

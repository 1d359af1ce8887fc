import type { Subject } from "../core/subject.ts";
import type { IsolationModel } from "./model.ts";

/** What a report says about a database and its isolation model. */
export function subjectOf(
  model: IsolationModel,
  where: Pick<Subject["target"], "branch" | "provider" | "protected">,
): Subject {
  const { isolation, tables, database, user, superuser, inRecovery, serverVersion, flavor } = model;
  const { source, confidence, notes } = model;
  return {
    target: { ...where, database, user, superuser, inRecovery, serverVersion, flavor },
    model: {
      source,
      confidence,
      notes,
      tenantColumn: isolation.tenantColumn,
      tenantRoles: isolation.tenantRoles,
      context: { claim: isolation.context.claim ?? null, setting: isolation.context.setting ?? null },
      tables: tables.map(({ relation, tenantColumn, type }) => ({ table: relation, tenantColumn, type })),
      exempt: Object.entries(isolation.exempt).map(([table, reason]) => ({ table, reason })),
    },
  };
}

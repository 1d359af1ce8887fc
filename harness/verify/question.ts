import pg from "pg";
import { contextExpression } from "../isolation/context.ts";
import type { IsolationModel } from "../isolation/model.ts";
import type { Check } from "./checks.ts";
import type { Context } from "./contexts.ts";

/** A check may take this long; it is one statement over the whole catalogue. */
export const limits = { statementTimeoutMs: 60_000, lockTimeoutMs: 500 };

/** The document of the setting harness.model, which the fragment `model` reads. */
export function modelDocument(
  { isolation, undecidable }: Pick<IsolationModel, "isolation" | "undecidable">,
  { probed, contexts, depth }: { probed: string[]; contexts: Context[]; depth: string },
): object {
  const { tenantRoles: roles, schemas, exempt } = isolation;
  const expression = contextExpression(isolation);
  return { roles, probed, depth, schemas, exempt, undecidable, expression, contexts };
}

export function setLocal(name: string, value: string): string {
  return `select set_config('${name}', ${pg.escapeLiteral(value)}, true);`;
}

/** What passes needs no proof: it stays on the server. */
export function questionOf({ sql }: Pick<Check, "sql">): string {
  return `select object, outcome, detail, severity, case when outcome <> 'pass' then evidence end as evidence,
      case when outcome <> 'pass' then fix end as fix from (${sql}\n) as answer`;
}

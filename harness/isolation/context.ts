import pg from "pg";
import { claimsSetting, type Settings } from "../client/context-settings.ts";
import type { TenantContext } from "../config/schema.ts";

/** Every setting that a context may be read from. */
export function settingNames({
  claim,
  claimsSetting: name = claimsSetting,
  setting,
}: TenantContext): string[] {
  return [...(claim ? [name] : []), ...(setting ? [setting] : [])];
}

/** Settings as statements to paste into psql. */
export function settingStatements(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `select set_config(${pg.escapeLiteral(name)}, ${pg.escapeLiteral(value)}, true);`)
    .join("\n");
}

/**
 * The tenant according to the context, as SQL with %s for the type: what a policy compares its column with. Used in the
 * SQL that mends a table where the tenancy functions are not installed.
 */
export function contextExpression({ context }: { context: TenantContext }): string {
  if (context.expression) return context.expression.replaceAll("%", "%%");
  if (context.setting) return `nullif(current_setting('${context.setting}', true), '')::%s`;
  const path = [...(context.claimWithin ?? []), context.claim ?? ""].map((key) =>
    pg.escapeLiteral(key).replaceAll("%", "%%"),
  );
  const last = path.pop();
  const steps = path.map((key) => ` -> ${key}`).join("");
  return `(nullif(current_setting('${context.claimsSetting ?? claimsSetting}', true), '')::jsonb${steps} ->> ${last})::%s`;
}

/**
 * What a policy of one table should say, as SQL, where contextExpression does not fit: the table is compared with a context of its own, or
 * its rows belong to the tenants of a user. `memberships` is the table that says which those are, and the type of its user.
 */
export function scopePredicate(
  context: TenantContext,
  column: string,
  type: string,
  memberships?: { relation: string; type: string },
): string {
  const name = pg.escapeIdentifier(column);
  const expression = contextExpression({ context })
    .replaceAll("%s", memberships?.type ?? type)
    .replaceAll("%%", "%");
  const { membership } = context;
  if (!membership || !memberships) return `${name} = (select ${expression})`;
  const [member, tenant] = [membership.member, membership.tenant].map(pg.escapeIdentifier);
  return `${name} in (select m.${tenant} from ${memberships.relation} m where m.${member} = (select ${expression}))`;
}

import pg from "pg";
import type { Isolation, TenantContext } from "../config/schema.ts";

/** The setting in which PostgREST, Neon and Supabase hand over the token's claims. */
export const claimsSetting = "request.jwt.claims";

/** Transaction-local settings, by name. */
export type Settings = Record<string, string>;

type Claims = Record<string, unknown>;

/** A context, and the tenant (or, with a membership, the user) that it is to name. */
export interface NamedContext {
  context: TenantContext;
  value: string;
}

/** The settings by which a session says which tenant it is. Where claim and setting both count, both say so. */
export function tenantSettings({ context }: Isolation, tenant: string): Settings {
  return settingsOf([{ context, value: tenant }]);
}

/** The settings that name several tenants at once, for a database in which tables ask differently: an organization and a user. */
export function settingsOf(named: readonly NamedContext[]): Settings {
  const documents: Record<string, Claims> = {};
  const settings: Settings = {};
  for (const { context, value } of named) {
    if (context.claim) {
      const name = context.claimsSetting ?? claimsSetting;
      const document = { ...documents[name], ...context.claims };
      documents[name] = withClaim(
        document,
        [...(context.claimWithin ?? []), context.claim],
        claimValue(context, value),
      );
    }
    if (context.setting) settings[context.setting] ??= context.list ? `{${value}}` : value;
  }
  for (const [name, document] of Object.entries(documents)) settings[name] = JSON.stringify(document);
  return settings;
}

/** Every setting that a context may be read from. */
export function settingNames({
  claim,
  claimsSetting: name = claimsSetting,
  setting,
}: TenantContext): string[] {
  return [...(claim ? [name] : []), ...(setting ? [setting] : [])];
}

/** A number where the token would have one: `->` gives what `->>` gives as text, but only a number can be cast to one. */
function claimValue({ claim, list }: TenantContext, value: string): unknown {
  const single = claim !== "sub" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return list ? [single] : single;
}

/** A claim at its place in the document, unless there is one already. */
function withClaim(document: Claims, [key = "", ...rest]: string[], value: unknown): Claims {
  const known = document[key];
  const inner = rest.length > 0 ? withClaim((known ?? {}) as Claims, rest, value) : (known ?? value);
  return { ...document, [key]: inner };
}

/** The same as statements to paste into psql. */
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

import pg from "pg";
import type { Isolation } from "./config-schema.ts";

/** The setting in which PostgREST, Neon and Supabase hand over the token's claims. */
export const claimsSetting = "request.jwt.claims";

/** Transaction-local settings, by name. */
export type Settings = Record<string, string>;

/** The settings by which a session says which tenant it is. Where claim and setting both count, both say so. */
export function tenantSettings({ context }: Isolation, tenant: string): Settings {
  return {
    ...(context.claim ? { [claimsSetting]: JSON.stringify({ [context.claim]: tenant }) } : {}),
    ...(context.setting ? { [context.setting]: tenant } : {}),
  };
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
export function contextExpression({ context }: Isolation): string {
  if (context.expression) return context.expression.replaceAll("%", "%%");
  if (context.setting) return `nullif(current_setting('${context.setting}', true), '')::%s`;
  const claim = pg.escapeLiteral(context.claim ?? "").replaceAll("%", "%%");
  return `(nullif(current_setting('${claimsSetting}', true), '')::jsonb ->> ${claim})::%s`;
}

import type { ContextForm } from "./context-form.ts";

/** The setting in which PostgREST, Neon and Supabase hand over the token's claims. */
export const claimsSetting = "request.jwt.claims";

/** Transaction-local settings, by name. */
export type Settings = Record<string, string>;

type Claims = Record<string, unknown>;

/** A context, and the tenant (or, with a membership, the user) that it is to name. */
export interface NamedContext {
  context: ContextForm;
  value: string;
}

/** The settings by which a session says which tenant it is. Where claim and setting both count, both say so. */
export function tenantSettings({ context }: { context: ContextForm }, tenant: string): Settings {
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

/** A number where the token would have one: `->` gives what `->>` gives as text, but only a number can be cast to one. */
function claimValue({ claim, list }: ContextForm, value: string): unknown {
  const single = claim !== "sub" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return list ? [single] : single;
}

/** A claim at its place in the document, unless there is one already. */
function withClaim(document: Claims, [key = "", ...rest]: string[], value: unknown): Claims {
  const known = document[key];
  const inner = rest.length > 0 ? withClaim((known ?? {}) as Claims, rest, value) : (known ?? value);
  return { ...document, [key]: inner };
}

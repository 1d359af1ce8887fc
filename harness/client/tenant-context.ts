import { HarnessError } from "../core/errors.ts";
import { claimsSetting, type Settings, tenantSettings } from "./context-settings.ts";
import type { TenantConfig } from "./tenant-config.ts";

/**
 * Who a transaction works for. Either the tenant alone, named the way harness.config.json describes, or the
 * claims and settings themselves.
 */
export type TenantContext =
  | {
      tenant: string;
      /** Default: the first tenant role of the configuration. */
      role?: string;
    }
  | {
      /** What a token would say; becomes the setting request.jwt.claims. */
      claims?: Record<string, unknown>;
      /** Further settings by name, such as `app.restaurant_id`. */
      settings?: Record<string, string>;
      /** Default: authenticated. */
      role?: string;
    };

/** A context as the server is told it. */
export interface Identity {
  role: string;
  settings: Settings;
  /** Whether a setting is a key. */
  secret?: boolean;
}

const defaultRole = "authenticated";

/** @throws HarnessError `bad-tenant-context`; for `{ tenant }` also what reading the configuration can throw */
export async function identify(context: TenantContext, configFile?: string): Promise<Identity> {
  if (!isPlainObject(context)) throw bad("it is not an object");
  const { role, ...who } = context;
  if (role !== undefined) assertRole(role);
  if ("tenant" in who) {
    const { tenant, ...rest } = who;
    if (Object.keys(rest).length > 0) throw bad(`"tenant" and "${Object.keys(rest)[0]}" exclude each other`);
    if (!isText(tenant)) throw bad("the tenant is not a non-empty string");
    const isolation = await configuredIsolation(configFile);
    const settings = { [claimsSetting]: "", ...tenantSettings(isolation, tenant) };
    return { role: role ?? isolation.tenantRoles[0] ?? defaultRole, settings };
  }
  return { role: role ?? defaultRole, settings: explicitSettings(who) };
}

function explicitSettings({
  claims,
  settings = {},
  ...rest
}: Exclude<TenantContext, { tenant: string }>): Settings {
  const unknown = Object.keys(rest)[0];
  if (unknown) throw bad(`it has an unknown key "${unknown}"`);
  if (!claims && Object.keys(settings).length === 0)
    throw bad("it has neither a tenant nor claims nor settings");
  if (claims !== undefined && !isPlainObject(claims)) throw bad("the claims are not an object");
  if (!isPlainObject(settings)) throw bad("the settings are not an object");
  for (const [name, value] of Object.entries(settings)) {
    // A dot is what tells an application's setting from one of the server, such as role.
    if (!/^[a-z_]\w*(\.[a-z_]\w*)+$/i.test(name))
      throw bad(`the setting ${JSON.stringify(name)} is not of the form prefix.name`);
    if (claims && name.toLowerCase() === claimsSetting) throw bad(`it gives ${claimsSetting} twice`);
    if (typeof value !== "string" || value.includes("\0")) throw bad(`the setting ${name} is not a string`);
  }
  // Empty rather than untouched where none are given: claims that somebody left on the connection must not speak.
  return { [claimsSetting]: claims ? asJson(claims) : "", ...settings };
}

function asJson(claims: Record<string, unknown>): string {
  try {
    return JSON.stringify(claims);
  } catch (cause) {
    throw bad(`the claims are no JSON: ${(cause as Error).message.split("\n")[0]}`);
  }
}

function assertRole(role: unknown): void {
  if (!isText(role)) throw bad("the role is not a non-empty string");
  if (role === "none")
    throw bad('the role "none" would be the connection\'s own role, which may bypass row security');
}

const isolations = new Map<string, Promise<TenantConfig>>();

/** Read once in the life of a process. A file that could not be read is tried again. */
function configuredIsolation(file = ""): Promise<TenantConfig> {
  const known = isolations.get(file);
  if (known) return known;
  const reading = readIsolation(file);
  isolations.set(file, reading);
  reading.catch(() => isolations.delete(file));
  return reading;
}

async function readIsolation(file: string): Promise<TenantConfig> {
  const { readTenantConfig } = await import("./tenant-config.ts");
  return readTenantConfig(file || undefined);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.includes("\0");
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bad(why: string): HarnessError {
  return new HarnessError({
    code: "bad-tenant-context",
    message: `the tenant context cannot be used: ${why}`,
    hint: "Give { tenant }, or { claims, settings, role } (docs/with-tenant.md).",
  });
}

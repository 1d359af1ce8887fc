import type { Isolation } from "../tenancy/config-schema.ts";
import { claimsSetting, type Settings, settingStatements, tenantSettings } from "../tenancy/context.ts";

/** A session's claim about who it is, and whether any row may answer to it. */
export interface Context {
  name: string;
  /** `closed`: nobody, so nothing may open. `tenant`: a tenant without rows, so everything seen is a stranger's. */
  kind: "closed" | "tenant";
  settings: Settings;
  /** The same for psql. */
  statements: string;
}

const junkClaims: [string, string][] = [
  ["empty string", ""],
  ["{}", "{}"],
  ["bad JSON", '{"'],
  ["[]", "[]"],
  ["anonymous", '{"role":"anonymous"}'],
];
const junkSettings: [string, string][] = [
  ["empty string", ""],
  ["garbage", "garbage"],
];

/**
 * The contexts of step 4c and beyond, in the order in which they have to be tried: the unset one first, since a setting that
 * was once set in a session is '' and not unset from then on; the tenant's last, since the acts follow in it.
 */
export function contextsFor(isolation: Isolation, tenant: string): Context[] {
  const { claim, setting } = isolation.context;
  const clear: Settings = {
    ...(claim ? { [claimsSetting]: "" } : {}),
    ...(setting ? { [setting]: "" } : {}),
  };
  const junk: [string, Settings][] = [
    ...(claim
      ? junkClaims.map(([name, value]): [string, Settings] => [name, { ...clear, [claimsSetting]: value }])
      : []),
    ...(setting
      ? junkSettings.map(([name, value]): [string, Settings] => [
          `${setting} ${name}`,
          { ...clear, [setting]: value },
        ])
      : []),
  ];
  const closed: [string, Settings][] = [["unset", {}], ...junk];
  return [
    ...closed.map(([name, settings]) => ({ name, kind: "closed" as const, settings })),
    { name: "another tenant", kind: "tenant" as const, settings: tenantSettings(isolation, tenant) },
  ].map((context) => ({ ...context, statements: settingStatements(context.settings) }));
}

import { claimsSetting, type NamedContext, type Settings, settingsOf } from "../client/context-settings.ts";
import type { TenantContext } from "../config/schema.ts";
import { settingNames, settingStatements } from "../isolation/context.ts";

/** A session's claim about who it is, and whether any row may answer to it. */
export interface Context {
  name: string;
  /** `closed`: nobody, so nothing may open. `tenant`: a tenant without rows, so everything seen is a stranger's. */
  kind: "closed" | "tenant";
  /** Names a real member with rows. Rows they can read are their own; rows that a policy would accept may still be a stranger's. */
  member?: true;
  /** It holds something that is no claim at all; once is enough. */
  junk?: true;
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
export function contextsFor({
  contexts,
  memberContexts,
}: {
  contexts: NamedContext[];
  memberContexts: NamedContext[];
}): Context[] {
  const known = contexts.map(({ context }) => context);
  const names = [...new Set(known.flatMap(settingNames))];
  const clear: Settings = Object.fromEntries(names.map((name) => [name, ""]));
  const holdsClaims = (name: string) => known.some((context) => holdsClaimsOf(context, name));
  const junk = names.flatMap((name) =>
    (holdsClaims(name) ? junkClaims : junkSettings).map(([what, value]): [string, Settings] => [
      holdsClaims(name) && name === claimsSetting ? what : `${name} ${what}`,
      { ...clear, [name]: value },
    ]),
  );
  const texts = junk.map(([, settings]) => JSON.stringify(settings));
  const distinct = junk.filter((_, at) => texts.indexOf(texts[at] as string) === at);
  return [
    { name: "unset", kind: "closed" as const, settings: {} },
    ...distinct.map(([name, settings]) => ({
      name,
      kind: "closed" as const,
      junk: true as const,
      settings,
    })),
    { name: "another tenant", kind: "tenant" as const, settings: { ...clear, ...settingsOf(contexts) } },
    ...(memberContexts.length > 0
      ? [
          {
            name: "a member",
            kind: "tenant" as const,
            member: true as const,
            settings: { ...clear, ...settingsOf([...memberContexts, ...contexts]) },
          },
        ]
      : []),
  ].map((context) => ({ ...context, statements: settingStatements(context.settings) }));
}

function holdsClaimsOf(
  { claim, claimsSetting: name = claimsSetting }: TenantContext,
  setting: string,
): boolean {
  return claim !== undefined && name === setting;
}

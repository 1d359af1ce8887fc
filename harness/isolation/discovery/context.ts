import type { TenantContext } from "../../config/schema.ts";
import type { Certainty, FoundTable } from "./discovery.ts";
import { plural } from "./tenant-column.ts";

interface ChosenContext {
  value: TenantContext;
  certainty: Certainty;
  notes: string[];
}

/** The context that most tables with the ordinary tenant column are compared with, or most tables at all. */
export function ordinaryContext(tables: FoundTable[], column: string, roles: string[]): ChosenContext {
  const said = tables.filter(isSaid);
  const withColumn = said.filter((table) => table.column === column);
  const pool = withColumn.length > 0 ? withColumn : said;
  const value = mostFrequent(pool.map((table) => contextFrom(table, roles)));
  if (!value) return placeholder(column);
  const agreeing = said.filter((table) => same(contextFrom(table, roles), value)).length;
  const notes = value.membership
    ? [
        `a user's tenants are the rows of ${value.membership.table}: "${value.membership.member}" is the user, "${value.membership.tenant}" the tenant`,
      ]
    : [];
  const others = said.length - agreeing;
  return {
    value,
    notes,
    certainty: {
      confidence: said.length >= tables.length * 0.5 ? "high" : "medium",
      reason:
        `the policies of ${plural(agreeing, "table")} read ${describeContext(value)}` +
        (others > 0 ? `, those of ${plural(others, "other")} something else` : ""),
    },
  };
}

/** The context of one table: its own, or that of the tables that are told apart by the same column, or the ordinary one. */
export function contextOf(
  table: FoundTable,
  ordinary: TenantContext,
  tables: FoundTable[],
  roles: string[],
): TenantContext {
  if (isSaid(table)) return contextFrom(table, roles);
  const parent = tables.find(({ plainName }) => plainName === table.parent?.table);
  if (parent && table.parent) {
    const { membership, ...context } = contextOf(parent, ordinary, tables, roles);
    // whose the parent's rows are is a user's membership already: then there is no telling by one table
    if (membership) return context;
    const through = {
      table: parent.plainName,
      member: parent.column as string,
      tenant: table.parent.key,
    };
    return { ...context, membership: through };
  }
  const alike = tables.filter(
    (other) =>
      isSaid(other) && (table.source === "user by name" ? namesUser(other) : other.column === table.column),
  );
  return mostFrequent(alike.map((other) => contextFrom(other, roles))) ?? ordinary;
}

export function describeContext(context: TenantContext): string {
  const { claim, claimWithin = [], claimsSetting, setting, list } = context;
  const path = [...claimWithin, claim ?? ""].join(" → ");
  return [
    claim && `the ${list ? "list in the " : ""}claim ${path}${claimsSetting ? ` of ${claimsSetting}` : ""}`,
    setting && `the setting ${setting}`,
  ]
    .filter(Boolean)
    .join(" and ");
}

function isSaid({ context }: FoundTable): boolean {
  return context.claim !== undefined || context.setting !== undefined;
}

function namesUser({ context, membership }: FoundTable): boolean {
  const name = context.claim?.at(-1) ?? context.setting ?? "";
  return membership === null && /^sub$|user/i.test(name);
}

function contextFrom({ context, membership, readsRole }: FoundTable, roles: string[]): TenantContext {
  const { claim: path = [], claimsSetting, setting, list } = context;
  const claim = path.at(-1);
  return {
    ...(claim !== undefined ? { claim } : {}),
    ...(path.length > 1 ? { claimWithin: path.slice(0, -1) } : {}),
    ...(claimsSetting ? { claimsSetting } : {}),
    // PostgREST puts the role among the claims of everybody who has signed in, and policies ask for it
    ...(claim !== undefined && readsRole && roles[0] ? { claims: { role: roles[0] } } : {}),
    ...(setting ? { setting } : {}),
    ...(list ? { list } : {}),
    ...(membership ? { membership } : {}),
  };
}

/** Nothing in the database reads who is asking. Some context has to be named, and this is one that a policy could be written with. */
function placeholder(column: string): ChosenContext {
  const setting = `app.${column.toLowerCase().replaceAll(/\W+/g, "_") || "tenant_id"}`;
  return {
    value: { setting },
    notes: [],
    certainty: {
      confidence: "low",
      reason: `no policy reads who is asking; the setting ${setting} is a suggestion`,
    },
  };
}

function mostFrequent(contexts: TenantContext[]): TenantContext | undefined {
  const counts = new Map<string, number>();
  for (const context of contexts) {
    const key = JSON.stringify(context);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const [first] = [...counts].sort(([, x], [, y]) => y - x);
  return first && JSON.parse(first[0]);
}

function same(a: TenantContext, b: TenantContext): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

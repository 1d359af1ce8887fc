import type { ClientBase } from "pg";
import pg from "pg";
import type { NamedContext } from "../client/context-settings.ts";
import type { TenantContext } from "../config/schema.ts";
import { inTransaction } from "../sql/transaction.ts";

/** What model.sql answers about a membership. */
export interface FoundMembership {
  context: TenantContext;
  /** The membership table, qualified and quoted. */
  relation: string;
  /** The type of its column `member`. */
  type: string;
}

export interface RealMembers {
  /** Contexts that name an existing user. */
  memberContexts: NamedContext[];
  /** The tenant that the user of this context belongs to. */
  tenantOf(context: TenantContext): string | undefined;
}

/**
 * One user and one tenant out of each membership table. A made-up user belongs to no tenant, so that nothing would ever open to them, and
 * a policy that opens everything to whoever is a member of anything would never show. The table is only read, and only its first row; where
 * the session may not read it or it is empty, there is nobody. Code of the database has no part in it: a view is not read, a type of its own
 * is not converted, and where a policy would be asked, the server refuses.
 */
export async function realMembers(client: ClientBase, memberships: FoundMembership[]): Promise<RealMembers> {
  const found = new Map<string, { member: string; tenant: string }>();
  for (const { context, relation } of memberships) {
    if (!context.membership) continue;
    const row = await firstMember(client, relation, context.membership).catch((error) => {
      if (error instanceof pg.DatabaseError) return undefined;
      throw error;
    });
    if (row) found.set(JSON.stringify(context), row);
  }
  const memberContexts = memberships.flatMap(({ context }) => {
    const value = found.get(JSON.stringify(context))?.member;
    return value === undefined ? [] : [{ context, value }];
  });
  return { memberContexts, tenantOf: (context) => found.get(JSON.stringify(context))?.tenant };
}

async function firstMember(
  client: ClientBase,
  relation: string,
  membership: NonNullable<TenantContext["membership"]>,
): Promise<{ member: string; tenant: string } | undefined> {
  const [member, tenant] = [membership.member, membership.tenant].map(pg.escapeIdentifier);
  const limits = { statementTimeoutMs: 5_000, lockTimeoutMs: 500, first: "set local row_security = off;" };
  const { rows } = await inTransaction(
    client,
    "read only",
    async () => {
      const { rows: plain } = await client.query(isPlain, [relation, membership.member, membership.tenant]);
      if (!plain[0]?.plain) return { rows: [] };
      // as text by the server's own output functions: a cast to text may be a function of the database
      return client.query({
        text: `select ${member} as member, ${tenant} as tenant from ${relation}
          where ${member} is not null and ${tenant} is not null limit 1`,
        types: { getTypeParser: () => (value: string) => value },
      });
    },
    limits,
  );
  return rows[0];
}

/** Whether it is a table, and both columns are of types of the server. */
const isPlain = `select count(*) = 2 as plain
  from pg_catalog.pg_class c
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname in ($2, $3)
  join pg_catalog.pg_type t on t.oid = a.atttypid
 where c.oid = $1::regclass and c.relkind in ('r', 'p') and not c.relhasrules
   and case when t.typtype = 'd' then t.typbasetype < 16384 else t.oid < 16384 or t.typtype = 'e' end`;

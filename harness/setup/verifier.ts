import pg from "pg";

/**
 * The SQL that makes a login with nothing to lose: it may become the tenant roles and reads the catalogue, which everybody may. It owns nothing,
 * creates nothing, and by itself reads no row.
 */
export function verifierSql(database: string, tenantRoles: readonly string[], majorVersion: number): string {
  const roles = tenantRoles.map(pg.escapeIdentifier).join(", ");
  // before 16 every membership lets one SET ROLE, and NOINHERIT is the role's own
  const options = majorVersion >= 16 ? " with inherit false, set true" : "";
  return [
    "create role harness_verifier login noinherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls connection limit 4;",
    "comment on role harness_verifier is 'Runs harness verify: a member of the tenant roles and nothing else.';",
    `grant connect on database ${pg.escapeIdentifier(database)} to harness_verifier;`,
    `grant ${roles} to harness_verifier${options};`,
    "alter role harness_verifier set default_transaction_read_only = on;",
    "-- a password: \\password harness_verifier",
    "",
  ].join("\n");
}

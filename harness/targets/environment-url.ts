import { HarnessError } from "../core/errors.ts";

/** Variables of libpq that say which database is meant. PGUSER and PGPASSWORD alone only say who asks. */
const naming = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE"] as const;

export interface EnvironmentTarget {
  url: string;
  /** `database app at 127.0.0.1:5432, named by PGHOST and PGDATABASE`, without a password. */
  words: string;
}

/**
 * The database that the variables of libpq name, or null if they name none; 127.0.0.1 where they name no host.
 * @throws HarnessError `unreadable-service`: services are psql's own
 */
export function environmentTarget(env: NodeJS.ProcessEnv): EnvironmentTarget | null {
  if (env.PGSERVICE) {
    throw new HarnessError({
      code: "unreadable-service",
      message: `PGSERVICE names the service "${env.PGSERVICE}", which harness cannot read`,
      hint: "Give its URL with --database-url or DATABASE_URL, or unset PGSERVICE.",
    });
  }
  const named = naming.filter((name) => env[name]);
  if (named.length === 0) return null;
  const { PGHOSTADDR, PGHOST = "", PGPORT = "5432", PGSSLMODE, PGSSLROOTCERT } = env;
  const host = PGHOSTADDR || PGHOST || "127.0.0.1";
  const user = env.PGUSER || env.USER || "postgres";
  const database = env.PGDATABASE || user;
  const url = new URL(`postgres://harness.invalid:${PGPORT}/${encodeURIComponent(database)}`);
  url.username = encodeURIComponent(user);
  if (env.PGPASSWORD) url.password = encodeURIComponent(env.PGPASSWORD);
  if (host.startsWith("/")) url.searchParams.set("host", host);
  else url.host = `${host.includes(":") ? `[${host}]` : host}:${PGPORT}`;
  if (PGSSLMODE) url.searchParams.set("sslmode", PGSSLMODE);
  if (PGSSLROOTCERT) url.searchParams.set("sslrootcert", PGSSLROOTCERT);
  const words = `database ${database} at ${host}:${PGPORT}, named by ${named.join(" and ")}`;
  return { url: url.href, words };
}

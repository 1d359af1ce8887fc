import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { parse } from "pg-connection-string";
import { HarnessError } from "../core/errors.ts";
import { keepSecret } from "../core/redaction.ts";

const sslmodes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof sslmodes)[number];

export interface ParsedUrl {
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  sslmode: SslMode;
  ssl: false | ConnectionOptions;
}

/**
 * A Postgres URL, with sslmode meaning what it means in libpq: node-postgres 8 takes prefer, require and
 * verify-ca for verify-full, and 9 will not.
 * @throws HarnessError `malformed-url`; the URL itself is not repeated, since it may hold a password.
 */
export function parseConnectionUrl(url: string): ParsedUrl {
  if (!/^postgres(ql)?:\/\//.test(url))
    throw malformed("it does not begin with postgres:// or postgresql://");
  let query: URLSearchParams;
  try {
    query = new URL(url).searchParams;
    keepSecret(decodeURIComponent(new URL(url).password));
  } catch {
    throw malformed("it is not a URL; a password with / ? # @ or % has to be percent-encoded");
  }
  const requested = query.get("sslmode");
  if (requested && !sslmodes.includes(requested as SslMode)) {
    throw malformed(`sslmode must be one of ${sslmodes.join(", ")}`);
  }
  const bare = new URL(url);
  for (const key of ["sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding"])
    bare.searchParams.delete(key);
  const parsed = parse(bare.href);
  const host = parsed.host || process.env.PGHOST || "127.0.0.1";
  const port = Number(parsed.port || process.env.PGPORT || 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw malformed("the port is not a number from 1 to 65535");
  keepSecret(parsed.password);
  const sslmode = (requested as SslMode | null) ?? "prefer";
  return {
    host,
    port,
    user: parsed.user,
    password: parsed.password,
    database: parsed.database ?? undefined,
    sslmode,
    ssl: tlsOptions(sslmode, host, query),
  };
}

function tlsOptions(mode: SslMode, host: string, query: URLSearchParams): false | ConnectionOptions {
  const unasked =
    !query.get("sslmode") && (host.startsWith("/") || /^(localhost|127\.|::1|\[::1\])/.test(host));
  if (mode === "disable" || mode === "allow" || unasked) return false;
  const file = (key: string) => (query.get(key) ? readFileSync(query.get(key) as string) : undefined);
  const ca = query.get("sslrootcert") === "system" ? undefined : file("sslrootcert");
  const cert = file("sslcert");
  const key = file("sslkey");
  const verify = mode === "verify-ca" || mode === "verify-full" || (mode === "require" && ca !== undefined);
  return {
    rejectUnauthorized: verify,
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
  };
}

function malformed(why: string): HarnessError {
  return new HarnessError({
    code: "malformed-url",
    message: `the database URL cannot be read: ${why}`,
    hint: "Write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require.",
  });
}

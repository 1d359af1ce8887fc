import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { HarnessError } from "../../core/errors.ts";
import { keepSecret } from "../../core/redaction.ts";

const sslmodes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof sslmodes)[number];

export interface ParsedUrl {
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  /** Start-up options such as `-c search_path=app`. */
  options: string | undefined;
  /** How long to wait for a connection, if the URL says so. */
  connectTimeoutMs: number | undefined;
  sslmode: SslMode;
  ssl: false | ConnectionOptions;
}

/**
 * A Postgres URL, read as libpq reads it, with sslmode meaning what it means there: node-postgres 8
 * takes prefer, require and verify-ca for verify-full, and 9 will not.
 * @throws HarnessError `malformed-url`; the URL itself is not repeated, since it may hold a password.
 */
export function parseConnectionUrl(url: string): ParsedUrl {
  const parts = split(url);
  const query = parts.searchParams;
  const password = query.get("password") || decode(parts.password);
  const user = query.get("user") || decode(parts.username) || process.env.PGUSER || process.env.USER;
  const database = query.get("dbname") || decode(parts.pathname.slice(1)) || process.env.PGDATABASE || user;
  // The names of the role and the database are printed: hiding them would only tell that they are the password.
  if (password !== user && password !== database) keepSecret(password);
  keepSecret(process.env.PGPASSWORD);
  const hostname = parts.hostname === noHost ? "" : parts.hostname.replace(/^\[(.*)\]$/, "$1");
  const host = query.get("host") || decode(hostname) || process.env.PGHOST || "127.0.0.1";
  const sslmode = readSslMode(query);
  return {
    host,
    port: readPort(query.get("port") || parts.port || process.env.PGPORT || "5432"),
    user,
    password,
    database,
    options: query.get("options") ?? undefined,
    connectTimeoutMs: readTimeout(query.get("connect_timeout")),
    sslmode: sslmode ?? "prefer",
    ssl: tlsOptions(sslmode, host, query),
  };
}

const noHost = "no-host.invalid";

/** Whether the host is a transaction pooler's, as Neon names them. */
export function isPooled(url: string): boolean {
  return /-pooler\./.test(new URL(url).hostname);
}

function split(url: string): URL {
  if (!/^postgres(ql)?:\/\//.test(url))
    throw malformed("it does not begin with postgres:// or postgresql://");
  let parts: URL;
  try {
    // postgres://user@/database?host=/run/postgresql is fine with libpq, but not with the URL standard
    parts = new URL(url.replace(/^(\w+:\/\/[^/?#]*@)(?=[/?#]|$)/, `$1${noHost}`));
  } catch {
    // without a cause: that error carries the URL
    throw malformed("it is not a URL; check the port, and percent-encode / ? # @ % in the password");
  }
  // An unencoded / ? or # ends the host part, and what is left of the password would pass for a database or a port.
  if (parts.hash || parts.pathname.includes("@") || /^\?[^=]*@/.test(parts.search)) {
    throw malformed("/ ? # @ and % in the password have to be percent-encoded");
  }
  return parts;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part) || undefined;
  } catch {
    throw malformed("a % has to be followed by two hexadecimal digits; write % itself as %25");
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw malformed("the port is not a number from 1 to 65535");
  return port;
}

/** As in libpq, 0 and less mean no limit of the URL's own. */
function readTimeout(text: string | null): number | undefined {
  if (text === null) return undefined;
  const seconds = Number(text);
  if (!Number.isInteger(seconds)) throw malformed("connect_timeout is not a whole number of seconds");
  return seconds > 0 ? seconds * 1000 : undefined;
}

function readSslMode(query: URLSearchParams): SslMode | undefined {
  // The system's certificates vouch for names only, so libpq allows nothing weaker with them.
  if (query.get("sslrootcert") === "system") return "verify-full";
  const requested = query.get("sslmode") ?? (query.get("ssl") === "true" ? "require" : undefined);
  if (requested && !sslmodes.includes(requested as SslMode)) {
    throw malformed(`sslmode must be one of ${sslmodes.join(", ")}`);
  }
  return (requested || undefined) as SslMode | undefined;
}

function tlsOptions(
  mode: SslMode | undefined,
  host: string,
  query: URLSearchParams,
): false | ConnectionOptions {
  const local = host.startsWith("/") || /^(localhost$|127\.|::1$)/.test(host);
  if (mode === "disable" || mode === "allow" || (!mode && local)) return false;
  const ca = query.get("sslrootcert") === "system" ? undefined : readKeyFile("sslrootcert", query);
  const cert = readKeyFile("sslcert", query);
  const key = readKeyFile("sslkey", query);
  const verify = mode === "verify-ca" || mode === "verify-full" || (mode === "require" && ca !== undefined);
  return {
    rejectUnauthorized: verify,
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
  };
}

function readKeyFile(setting: "sslrootcert" | "sslcert" | "sslkey", query: URLSearchParams) {
  const path = query.get(setting);
  if (!path) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new HarnessError({
      code: "unreadable-certificate",
      message: `the file ${path} named by ${setting} in the database URL cannot be read`,
      hint: "Check the path and its permissions.",
      cause,
    });
  }
}

function malformed(why: string): HarnessError {
  return new HarnessError({
    code: "malformed-url",
    message: `the database URL cannot be read: ${why}`,
    hint: "Write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require.",
  });
}

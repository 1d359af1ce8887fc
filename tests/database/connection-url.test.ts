import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { describeError } from "../../harness/command-line/run.ts";
import { redact } from "../../harness/core/redaction.ts";
import { clientConfig } from "../../harness/targets/session/connection.ts";
import { parseConnectionUrl } from "../../harness/targets/session/connection-url.ts";

beforeEach(() => {
  for (const name of ["PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD"]) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

function failure(url: string): string {
  try {
    parseConnectionUrl(url);
  } catch (error) {
    return describeError(error, true);
  }
  throw new Error("the URL was accepted");
}

describe("a URL", () => {
  test("with all its parts", () => {
    expect(parseConnectionUrl("postgresql://app:pw@db.example.com:6543/shop")).toMatchObject({
      host: "db.example.com",
      port: 6543,
      user: "app",
      password: "pw",
      database: "shop",
      sslmode: "prefer",
    });
  });

  test.each([
    ["p%40ss%3A%2F%25", "p@ss:/%"],
    ["p:ss", "p:ss"],
    ["p@ss", "p@ss"],
    ["p+ss", "p+ss"],
    ["p%20ss", "p ss"],
    ["p ss", "p ss"],
    ["p'\"ss", "p'\"ss"],
    ["p%C3%A4ss", "päss"],
  ])("with the password written as %s", (written, meant) => {
    expect(parseConnectionUrl(`postgres://app:${written}@db/shop`)).toMatchObject({
      host: "db",
      user: "app",
      password: meant,
      database: "shop",
    });
  });

  test.each([
    ["postgres://app@[::1]:6000/shop", { host: "::1", port: 6000 }],
    ["postgres://app@%2Frun%2Fpostgresql/shop", { host: "/run/postgresql", database: "shop" }],
    ["postgres://app:pw@/shop?host=/run/postgresql", { host: "/run/postgresql", password: "pw" }],
    ["postgres:///shop?host=/run/postgresql", { host: "/run/postgresql", database: "shop" }],
    ["postgres://db/shop?user=app@corp&password=p%26w", { user: "app@corp", password: "p&w" }],
    ["postgres://app@db/a%2Fb", { database: "a/b" }],
    ["postgres://app@db?dbname=shop&port=6000", { database: "shop", port: 6000 }],
    ["postgres://app@db", { database: "app", port: 5432 }],
    ["postgres://app@/", { host: "127.0.0.1" }],
  ])("as libpq reads it: %s", (url, parts) => {
    expect(parseConnectionUrl(url)).toMatchObject(parts);
  });

  test("leaves to the environment what it does not say", () => {
    vi.stubEnv("PGHOST", "elsewhere");
    vi.stubEnv("PGPORT", "6001");
    vi.stubEnv("PGUSER", "someone");
    vi.stubEnv("PGDATABASE", "something");
    expect(parseConnectionUrl("postgres://")).toMatchObject({
      host: "elsewhere",
      port: 6001,
      user: "someone",
      database: "something",
    });
    expect(parseConnectionUrl("postgres://app@db:1/shop")).toMatchObject({
      host: "db",
      port: 1,
      user: "app",
    });
  });

  test("hands options and connect_timeout on to the driver, and not the rest", () => {
    const url = "postgres://app@db/shop?options=-c%20search_path%3Dx&connect_timeout=3&sslmode=disable";
    expect(clientConfig(url, { purpose: "test" })).toMatchObject({
      options: "-c search_path=x",
      connectionTimeoutMillis: 3000,
      application_name: "harness test",
      ssl: false,
    });
    expect(clientConfig("postgres://app@db/shop", { purpose: "test", database: "other" })).toMatchObject({
      connectionTimeoutMillis: 10_000,
      database: "other",
    });
    expect(clientConfig(url, { purpose: "test" })).not.toHaveProperty("sslmode");
  });
});

describe("a malformed URL is one line that repeats nothing of it", () => {
  test.each([
    ["", "does not begin with postgres://"],
    ["mysql://app:s3cr3t@db/shop", "does not begin with postgres://"],
    ["host=db password=s3cr3t", "does not begin with postgres://"],
    ["postgres://app:s3/cr3t@db/shop", "percent-encode"],
    ["postgres://app:s3#cr3t@db/shop", "percent-encode"],
    ["postgres://app:s3?cr3t@db/shop", "percent-encode"],
    // the password begins with digits, which pass for a port: the rest must not pass for a database
    ["postgres://app:33/cr3t@db/shop", "percent-encoded"],
    ["postgres://app:33#cr3t@db/shop", "percent-encoded"],
    ["postgres://app:33?cr3t@db/shop", "percent-encoded"],
    ["postgres://app:s@cr3t/word@db/shop", "percent-encoded"],
    ["postgres://app:cr3t%@db/shop", "%25"],
    ["postgres://app:s3cr3t@db:99999/shop", "check the port"],
    ["postgres://app:s3cr3t@db:port/shop", "check the port"],
    ["postgres://app:s3cr3t@db/shop?port=0", "port is not a number from 1 to 65535"],
    ["postgres://app:s3cr3t@db/shop?sslmode=always", "sslmode must be one of disable, allow, prefer"],
    ["postgres://app:s3cr3t@db/shop?connect_timeout=soon", "connect_timeout is not a whole number"],
    ["postgres://app:s3cr3t@db/%zz", "two hexadecimal digits"],
  ])("%s", (url, why) => {
    const printed = failure(url);
    const [line] = printed.split("\n");
    expect(line).toContain("harness: the database URL cannot be read: ");
    expect(line).toContain(why);
    expect(line).toMatch(/Write it as postgres:\/\/USER:PASSWORD@HOST.* \[malformed-url\]$/);
    expect(line).not.toMatch(/app|shop|:33/);
    expect(printed).not.toContain("cr3t");
  });
});

describe("the password of a URL is known from then on", () => {
  test("in clear and encoded, alone and in another URL", () => {
    parseConnectionUrl("postgres://app:tr0ub%40dor%2F@db/shop");
    expect(redact("tr0ub@dor/ tr0ub%40dor%2f")).toBe("*** ***");
  });

  test("from the query and from PGPASSWORD", () => {
    vi.stubEnv("PGPASSWORD", "from-the-env-1");
    parseConnectionUrl("postgres://db/shop?user=app&password=from-the-query-1");
    expect(redact("from-the-query-1 from-the-env-1")).toBe("*** ***");
  });

  test("unless it is the name of the role or the database", () => {
    parseConnectionUrl("postgres://bistro:bistro@db/shop");
    parseConnectionUrl("postgres://app:deliveries@db/deliveries");
    expect(redact('role "bistro", database "deliveries"')).toBe('role "bistro", database "deliveries"');
  });
});

describe("sslmode means what it means in libpq", () => {
  const parse = (query: string, host = "db.example.com") =>
    parseConnectionUrl(`postgres://app@${host}/shop${query}`);

  test("disable and allow begin in plain text", () => {
    expect(parse("?sslmode=disable").ssl).toBe(false);
    expect(parse("?sslmode=allow").ssl).toBe(false);
  });

  test.each(["?sslmode=prefer", "?sslmode=require", "", "?ssl=true"])("'%s' encrypts and trusts", (query) => {
    expect(parse(query).ssl).toMatchObject({
      rejectUnauthorized: false,
      checkServerIdentity: expect.any(Function),
    });
  });

  test("verify-ca asks for the authority, not for the name", () => {
    expect(parse("?sslmode=verify-ca").ssl).toMatchObject({
      rejectUnauthorized: true,
      checkServerIdentity: expect.any(Function),
    });
  });

  test.each(["?sslmode=verify-full", "?sslrootcert=system", "?sslmode=require&sslrootcert=system"])(
    "'%s' asks for both",
    (query) => {
      const { ssl, sslmode } = parse(query);
      expect(sslmode).toBe("verify-full");
      expect(ssl).toEqual({ rejectUnauthorized: true });
    },
  );

  test.each(["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"])(
    "%s is not encrypted unasked",
    (host) => {
      expect(parse("", host).ssl).toBe(false);
      expect(parse("?sslmode=require", host).ssl).toMatchObject({ rejectUnauthorized: false });
    },
  );

  test("localhost.example.com is not localhost", () => {
    expect(parse("", "localhost.example.com").ssl).toMatchObject({ rejectUnauthorized: false });
  });

  test("require with a root certificate is verify-ca", () => {
    const folder = mkdtempSync(join(tmpdir(), "harness-url-"));
    try {
      for (const name of ["root", "own", "key"]) writeFileSync(join(folder, name), name);
      const query = `?sslmode=require&sslrootcert=${folder}/root&sslcert=${folder}/own&sslkey=${folder}/key`;
      expect(parse(query).ssl).toMatchObject({
        rejectUnauthorized: true,
        checkServerIdentity: expect.any(Function),
        ca: Buffer.from("root"),
        cert: Buffer.from("own"),
        key: Buffer.from("key"),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a certificate that cannot be read is named", () => {
    expect(failure("postgres://app@db/shop?sslrootcert=/nowhere/root.crt")).toMatch(
      /^harness: the file \/nowhere\/root.crt named by sslrootcert .* \[unreadable-certificate\]$/m,
    );
  });
});

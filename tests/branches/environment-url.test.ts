import { describe, expect, test } from "vitest";
import { describeError } from "../../harness/command-line/run.ts";
import { HarnessError } from "../../harness/core/errors.ts";
import { keepSecret } from "../../harness/core/redaction.ts";
import { environmentTarget } from "../../harness/targets/environment-url.ts";
import { parseConnectionUrl } from "../../harness/targets/session/connection-url.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("the variables of libpq", () => {
  test.each([
    [
      { PGHOST: "db.example.org", PGDATABASE: "app", PGUSER: "me" },
      { host: "db.example.org", port: 5432, database: "app", user: "me" },
    ],
    [
      { PGHOST: "10.0.0.1", PGPORT: "6000", PGUSER: "me" },
      { host: "10.0.0.1", port: 6000, database: "me" },
    ],
    [
      { PGDATABASE: "my app", PGUSER: "o'neil" },
      { host: "127.0.0.1", database: "my app", user: "o'neil" },
    ],
    [
      { PGHOST: "/run/postgresql", PGDATABASE: "app", PGUSER: "me" },
      { host: "/run/postgresql", database: "app" },
    ],
    [
      { PGHOST: "db", PGHOSTADDR: "::1", PGUSER: "me", PGPASSWORD: "p@/?#ss" },
      { host: "::1", password: "p@/?#ss" },
    ],
    [{ PGHOST: "db", PGUSER: "me", PGSSLMODE: "verify-full" }, { sslmode: "verify-full" }],
  ])("%j", (env, expected) => {
    const target = environmentTarget(env);
    expect(parseConnectionUrl(target?.url ?? "")).toMatchObject(expected);
    expect(target?.words).not.toContain("p@/?#ss");
  });

  test("name no server where they only say who asks", () => {
    expect(environmentTarget({ PGUSER: "me", PGPASSWORD: "secret1", PGSSLMODE: "require" })).toBeNull();
  });

  test("a service cannot be read", () => {
    expect(() => environmentTarget({ PGSERVICE: "prod", PGHOST: "db" })).toThrow(/prod/);
  });
});

test("a command takes the server that they name, says so, and makes no local branch", async () => {
  const { url, name } = await testDatabase();
  const { hostname, port, username, password } = new URL(url);
  const state = temporaryFolder();
  const env = {
    PGHOST: hostname,
    PGPORT: port,
    PGDATABASE: name,
    PGUSER: username,
    PGPASSWORD: decodeURIComponent(password),
    HARNESS_STATE: state,
  };
  const { stdout, stderr, status } = await harness(["status"], { env });
  expect(stderr).toBe(
    `Target: database ${name} at ${hostname}:${port}, named by PGHOST and PGPORT and PGDATABASE (--branch main means the local branch)\n`,
  );
  expect(stdout).toMatch(/Up to date/);
  expect(status).toBe(0);
  // DATABASE_URL comes before them
  const first = await harness(["status"], { env: { ...env, PGDATABASE: "nowhere", DATABASE_URL: url } });
  expect(first).toMatchObject({ status: 0, stderr: "" });
});

test("a password that is a word of an error's code does not garble the code", () => {
  keepSecret("wrong");
  keepSecret("connection");
  for (const code of ["wrong-password", "connection-lost"])
    expect(describeError(new HarnessError({ code, message: "no wrong connection" }))).toBe(
      `harness: no *** *** [${code}]`,
    );
});

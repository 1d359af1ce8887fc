import { beforeAll, describe, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { verifyDatabase } from "../support/verify.ts";

// On Neon the schema auth is nobody's to use, and policies call auth.user_id() all the same: they are bound to it.
const { client, url } = await testDatabase("empty");
const config = {
  isolation: {
    schemas: ["public"],
    tenantColumn: "owner_id",
    tenantRoles: ["authenticated"],
    context: { claim: "sub" },
    tables: { "public.teams": { tenantColumn: "owner_id" } },
  },
};

beforeAll(async () => {
  await client.query(`
    create schema platform;
    revoke all on schema platform from public;
    create function platform.user_id() returns text language sql stable as
      $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' $$;
    create table notes (id bigint generated always as identity primary key, owner_id text not null, body text not null);
    create index on notes (owner_id);
    alter table notes enable row level security, force row level security;
    create policy own on notes to authenticated using (owner_id = (select platform.user_id()));
    grant usage on schema public to authenticated;
    grant select, insert, update, delete on notes to authenticated;
    create table teams (owner_id text not null, name text not null, primary key (owner_id, name));
    alter table teams enable row level security, force row level security;
    create policy own on teams to authenticated using (owner_id in (select n.owner_id from notes n where n.owner_id = platform.user_id()));
    grant select on teams to authenticated;
  `);
});

async function outcomes(relation: string): Promise<Record<string, string>> {
  const { results } = await verifyDatabase(url, "medium", config);
  const about = results.filter(
    ({ code, object }) => /^(4c|H103|H20[1-5])$/.test(code) && object === relation,
  );
  return Object.fromEntries(about.map(({ code, outcome }) => [code, outcome]));
}

describe("a policy that calls a function in a schema which the tenant role may not use", () => {
  test("is judged", async () => {
    expect(await outcomes("public.notes")).toEqual({
      "4c": "pass",
      H103: "pass",
      H201: "pass",
      H202: "pass",
      H203: "pass",
      H204: "pass",
      H205: "pass",
    });
  });

  test("is found out when it lets strangers in", async () => {
    await client.query(
      "alter policy own on notes using (owner_id = (select platform.user_id()) or platform.user_id() is not null)",
    );
    expect(await outcomes("public.notes")).toMatchObject({
      H103: "fail",
      H201: "fail",
      H202: "fail",
      H203: "fail",
    });
  });

  test("is skipped, and not passed, if it also reads a table with row security", async () => {
    expect(await outcomes("public.teams")).toMatchObject({ H201: "skipped" });
  });
});

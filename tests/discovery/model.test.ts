import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { configSchema } from "../../harness/config/schema.ts";
import { discoverIsolation } from "../../harness/isolation/discovery/discover.ts";
import { obtainModel } from "../../harness/isolation/discovery/obtain-model.ts";
import { loadModel } from "../../harness/isolation/model.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { contextsFor } from "../../harness/verify/contexts.ts";
import { verify } from "../../harness/verify/engine.ts";
import { testDatabase } from "../support/database.ts";
import { findingsOf } from "../support/verify.ts";

const role = (name: string) =>
  `do $$ begin
     if to_regrole('${name}') is null then create role ${name} nologin; end if;
     execute format('grant ${name} to %I with set true, inherit false', current_user);
   end $$; grant usage on schema public to ${name};`;

/** How fast a policy is (H9xx), and what a new database lets everybody do (H112), have their own fixtures. */
const aboutIsolation = (finding: string) => !/^H(?:9\d\d|112) /.test(finding);

describe("columns of every type", async () => {
  const { client } = await testDatabase("empty");
  const types = [
    "uuid",
    "text",
    "varchar(8)",
    "char(12)",
    "smallint",
    "integer",
    "bigint",
    "numeric(10)",
    "code",
    "inet",
  ];
  await client.query(`${role("disc_types_app")} create domain code as varchar(12) check (value <> '');`);
  for (const [i, type] of types.entries()) {
    await client.query(`
      create table t${i} (tenant ${type} not null, body text not null);
      alter table t${i} enable row level security, force row level security;
      create policy p on t${i} to disc_types_app using (tenant = nullif(current_setting('app.t${i}', true), '')::${type});
      grant select, insert, update, delete on t${i} to disc_types_app;`);
  }

  test("get tenants that can't be theirs, and one that can't be made up is undecidable", async () => {
    const { model } = await obtainModel(client, v.parse(configSchema, {}));
    expect(model.tables.map(({ relation }) => relation)).toEqual(
      types.slice(0, -1).map((_, i) => `public.t${i}`),
    );
    expect(model.undecidable).toEqual([
      {
        relation: "public.t9",
        tenantColumn: "tenant",
        type: "inet",
        reason: expect.stringContaining("inet"),
      },
    ]);
    expect(model.source).toBe("discovered");
    const { failed, undecided } = findingsOf((await verify(client, model)).results);
    expect(failed.filter(aboutIsolation)).toEqual([]);
    expect(undecided.filter((what) => !what.includes("t9"))).toEqual([]);
  });
});

test("one context for columns of several types names one tenant", async () => {
  const { client } = await testDatabase("empty");
  await client.query(`
    create table a (tenant integer); create table b (tenant smallint); create table c (tenant text); create table d (tenant uuid)`);
  const config = { tenantColumn: "tenant", tenantRoles: ["x"], context: { setting: "app.t" } };
  const { isolation } = v.parse(configSchema, { isolation: config });
  const load = async () => loadModel(client, isolation as NonNullable<typeof isolation>);
  expect((await load()).tables.map(({ own }) => own.length)).toEqual([10, 5, 36, 36]);
  await client.query("drop table d");
  const model = await load();
  expect(new Set(model.tables.map(({ own }) => own))).toEqual(new Set(["32766"]));
  expect(contextsFor(model).at(-1)?.settings).toEqual({ "app.t": "32766" });
});

test("claims lie where the policies look for them", async () => {
  const named = [
    { context: { claim: "org", claimWithin: ["app_metadata"], claims: { role: "r" } }, value: "7" },
    { context: { claim: "sub" }, value: "u" },
    { context: { claim: "teams", claimWithin: ["app_metadata"], list: true }, value: "t" },
    { context: { claim: "x", claimsSetting: "hasura.user" }, value: "h" },
  ];
  const settings = contextsFor({ contexts: named, memberContexts: [] }).at(-1)?.settings ?? {};
  expect(
    Object.fromEntries(Object.entries(settings).map(([name, text]) => [name, JSON.parse(text)])),
  ).toEqual({
    "request.jwt.claims": { role: "r", app_metadata: { org: 7, teams: ["t"] }, sub: "u" },
    "hasura.user": { x: "h" },
  });
});

test("a role that may only read sees the same model, and is told what it can't try", async () => {
  const { client, url } = await testDatabase("empty");
  await client.query(`${role("disc_ro_app")}
    do $$ begin if to_regrole('disc_ro_reader') is null then create role disc_ro_reader login password 'reader'; end if; end $$;
    create table notes (id bigint, tenant_id uuid not null, primary key (tenant_id, id));
    alter table notes enable row level security, force row level security;
    create policy own on notes to disc_ro_app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
    grant select, insert on notes to disc_ro_app;
    grant usage on schema public to disc_ro_reader;
    grant select on notes to disc_ro_reader`);
  const asReader = Object.assign(new URL(url), { username: "disc_ro_reader", password: "reader" });
  const reader = await connect(asReader.href, { purpose: "test" });
  const { isolation } = await discoverIsolation(reader);
  expect(isolation).toEqual((await discoverIsolation(client)).isolation);
  const { results } = await verify(reader, await loadModel(reader, isolation));
  await reader.end();
  const { undecided, failed } = findingsOf(results);
  expect(failed.filter(aboutIsolation).filter((what) => /public\.notes/.test(what))).toEqual([]);
  // it probes as itself, for which there is no policy, and can't become the application's role
  expect(undecided).toEqual(["4b disc_ro_app", "H001 context"]);
  expect(failed.filter(aboutIsolation)).toEqual([]);
});

test("rows of server roles are no tenant's that a context could name", async () => {
  const { client } = await testDatabase("empty");
  await client.query(`
    create table drafts (author name not null, body text);
    alter table drafts enable row level security;
    create policy own on drafts using (author = current_user)`);
  await expect(discoverIsolation(client)).rejects.toMatchObject({ code: "no-isolation-model" });
});

test("names that want to be SQL stay names", async () => {
  const { client } = await testDatabase("empty");
  const nasty = `x"; drop table y; --'\n$$`.padEnd(60, "é".slice(0, 1)).slice(0, 40);
  const q = (name: string) => `"${name.replaceAll('"', '""')}"`;
  await client.query(`${role("disc_nasty_app")}
    create schema ${q(nasty)}; grant usage on schema ${q(nasty)} to disc_nasty_app;
    create table ${q(nasty)}.${q(nasty)} (${q(nasty)} uuid not null, other text not null);
    alter table ${q(nasty)}.${q(nasty)} enable row level security, force row level security;
    create policy ${q(nasty)} on ${q(nasty)}.${q(nasty)} to disc_nasty_app
      using (${q(nasty)} = nullif(current_setting('app.t', true), '')::uuid);
    grant select, insert on ${q(nasty)}.${q(nasty)} to disc_nasty_app`);
  const discovery = await discoverIsolation(client);
  expect(discovery.isolation).toMatchObject({ schemas: [nasty], tenantColumn: nasty });
  const { failed } = findingsOf((await verify(client, await loadModel(client, discovery.isolation))).results);
  expect(failed.filter(aboutIsolation)).toEqual([]);
});

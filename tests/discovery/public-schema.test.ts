import { afterAll, beforeEach, expect, test } from "vitest";
import { discoverIsolation } from "../../harness/isolation/discovery/discover.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";

const branch = await createThrowawayBranch({ flavor: "plain" });
const superuser = await connect(branch.superuserUrl, { purpose: "test" });
const owner = await connect(branch.ownerUrl, { purpose: "test" });
afterAll(async () => {
  await owner.end();
  await superuser.end();
  await branch.stop();
});

await superuser.query(`
  create role supabase_admin; create role supabase_auth_admin; create role somebody;
  create role application nologin;`);

const table = (name: string, rowOwner: string) => `
  create table ${name} (id int, tenant_id uuid);
  alter table ${name} enable row level security;
  create policy tenants on ${name} using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
  grant select on ${name} to application;
  alter table ${name} owner to ${rowOwner};`;

beforeEach(() =>
  superuser.query(
    "drop schema public cascade; drop schema if exists auth cascade; create schema public; grant all on schema public to public",
  ),
);

const found = async () =>
  (await discoverIsolation(owner).catch(({ message }) => ({ isolation: { schemas: [message as string] } })))
    .isolation.schemas;

test.each([
  ["the platform's administrator", "supabase_admin", "app_owner"],
  ["the platform's administrator, its tables too", "supabase_admin", "supabase_admin"],
  ["another role", "somebody", "app_owner"],
  ["a role that owns the tables too", "somebody", "somebody"],
  ["the owner of the database", "app_owner", "app_owner"],
])("schema public is seen although it belongs to %s", async (_, schemaOwner, rowOwner) => {
  await superuser.query(`${table("public.orders", rowOwner)} alter schema public owner to ${schemaOwner}`);
  expect(await found()).toEqual(["public"]);
});

test("an application's tables in a schema of the platform's are seen, the platform's own are not", async () => {
  await superuser.query(`create schema auth; ${table("auth.sessions", "supabase_auth_admin")} ${table("public.orders", "app_owner")}
    alter schema auth owner to supabase_admin`);
  expect(await found()).toEqual(["public"]);
  await superuser.query(table("auth.profiles", "app_owner"));
  expect(await found()).toEqual(["auth", "public"]);
});

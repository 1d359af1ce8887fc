import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const branch = await createThrowawayBranch({ flavor: "plain" });
const client = await connect(branch.ownerUrl, { purpose: "test" });
afterAll(async () => {
  await client.end();
  await branch.stop();
});
beforeAll(() =>
  client.query(`
    create table public.orders (id int generated always as identity, tenant_id uuid);
    alter table public.orders enable row level security;
    create table public.salaries (id serial, name text);
    create table public.handed_out (id int);
    create role reporting nologin;
    grant select on public.handed_out to reporting;`),
);

const folder = temporaryFolder();
const setup = (...args: string[]) =>
  harness(["setup", ...args], { cwd: folder, env: { DATABASE_URL: branch.ownerUrl } });
const may = async (role: string, what: string) =>
  (await client.query("select has_table_privilege($1, $2, 'select') as may", [role, what])).rows[0].may;
const madeRoles = async () =>
  (await client.query("select rolname from pg_roles where rolname in ('authenticated', 'app_background')"))
    .rows;

test("on tables of somebody else's making, setup shows all that it would do, and does nothing", async () => {
  const { status, stdout, stderr } = await setup();
  expect(status).toBe(2);
  expect(stderr).toMatch(/--yes.*\[setup-unconfirmed\]\n$/);
  // although the role is not there yet
  expect(stdout).toMatch(/grant select, insert, update, delete on table public\.orders to authenticated/);
  expect(stdout).toMatch(/alter default privileges .* to app_background/);
  expect(stdout).toMatch(/public\.salaries has no row security, so nothing is granted on it/);
  expect(await madeRoles()).toEqual([]);
  const json = await setup("--json");
  expect(json.status).toBe(2);
  expect(JSON.parse(json.stdout)).toMatchObject({ planned: true });
  expect(await madeRoles()).toEqual([]);
});

test("--check changes nothing, as ever", async () => {
  expect((await setup("--check")).status).toBe(1);
  expect(await madeRoles()).toEqual([]);
});

test("--yes goes ahead, and grants nothing on a table without row security, nor on its sequence", async () => {
  const { status, stdout } = await setup("--yes");
  expect(status).toBe(0);
  expect(stdout).toMatch(/public\.salaries has no row security/);
  expect(await may("authenticated", "public.orders")).toBe(true);
  for (const role of ["authenticated", "app_background"]) {
    for (const table of ["public.salaries", "public.handed_out"]) expect(await may(role, table)).toBe(false);
    const { rows } = await client.query(
      "select has_sequence_privilege($1, 'public.salaries_id_seq', 'usage') as may",
      [role],
    );
    expect(rows).toEqual([{ may: false }]);
  }
});

test("where nothing is missing, nobody is asked", async () => {
  expect((await setup()).status).toBe(0);
  await client.query("create table public.later (id int)");
  await client.query("revoke all on public.orders from authenticated");
  expect((await setup()).status).toBe(2);
});

test("a configuration that names the schema stands for --yes", async () => {
  writeFileSync(join(folder, "harness.config.json"), '{ "setup": { "schemas": ["public"] } }');
  expect((await setup()).status).toBe(0);
  expect(await may("authenticated", "public.orders")).toBe(true);
});

import { beforeAll, expect, test } from "vitest";
import { loadConfig, requireIsolation } from "../../harness/config/load.ts";
import { loadModel } from "../../harness/isolation/model.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { verify } from "../../harness/verify/engine.ts";
import { loadDemoData, testDatabase } from "../support/database.ts";
import { findingsOf, verifyDatabase } from "../support/verify.ts";

const database = await testDatabase();
const { client, url } = database;

beforeAll(() => loadDemoData(client));

/** Everything that a probe could leave behind. */
async function traces(): Promise<unknown> {
  const { rows: tables } = await client.query(
    "select c.oid::regclass::text as name from pg_class c where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
  );
  const counts: Record<string, unknown> = {};
  for (const { name } of tables) {
    const { rows } = await client.query(
      `select count(*)::int, md5(string_agg(t::text, '|' order by t::text)) from ${name} as t`,
    );
    counts[name] = rows[0];
  }
  const { rows: sequences } = await client.query(
    "select sequencename, last_value from pg_sequences order by 1",
  );
  const { rows: catalogue } = await client.query(
    "select (select count(*) from pg_class) as classes, (select count(*) from pg_proc) as functions, (select count(*) from pg_policy) as policies",
  );
  return { counts, sequences, catalogue };
}

test("leaves no row, no sequence value and no object behind, on tables that leak too", async () => {
  await client.query("alter table public.outbox disable row level security");
  const before = await traces();
  const { exitCode } = await verifyDatabase(url);
  expect(exitCode).toBe(1);
  expect(await traces()).toEqual(before);
  await client.query("select tenancy.protect('public.outbox', 'restaurant_id')");
});

test("leaves a pooled connection as it was: no role, no setting, no prepared statement", async () => {
  const session = await connect(url, { purpose: "test" });
  const model = await loadModel(session, requireIsolation(loadConfig()));
  await verify(session, model);
  const { rows } = await session.query(
    `select current_user = session_user as "sameRole", (select count(*)::int from pg_prepared_statements) as prepared,
            nullif(current_setting('harness.model', true), '') as model, nullif(current_setting('request.jwt.claims', true), '') as claims,
            pg_current_xact_id_if_assigned() is null as "noTransaction"`,
  );
  await session.end();
  expect(rows[0]).toEqual({ sameRole: true, prepared: 0, model: null, claims: null, noTransaction: true });
});

test("a table that vanishes during the run is an error, and the rest is still judged", async () => {
  await client.query(
    "create table public.ghosts (restaurant_id uuid not null, name text not null); select tenancy.protect('public.ghosts', 'restaurant_id')",
  );
  const session = await connect(url, { purpose: "test" });
  const model = await loadModel(session, requireIsolation(loadConfig()));
  await client.query("drop table public.ghosts; alter table public.holds disable row level security");
  const { failed, undecided } = findingsOf((await verify(session, model)).results);
  await session.end();
  await client.query("select tenancy.protect('public.holds', 'restaurant_id')");
  expect(undecided).toContain("4c public.ghosts");
  expect(failed).toContain("H201 public.holds");
  expect(failed.filter((finding) => finding.endsWith("ghosts"))).toEqual([]);
});

test("a table that somebody holds a lock on is skipped, never passed, and the rest is judged", async () => {
  const holder = await connect(url, { purpose: "test" });
  await holder.query("begin; lock table public.holds in access exclusive mode");
  const { undecided, exitCode, results } = await verifyDatabase(url);
  await holder.query("rollback");
  await holder.end();
  expect(undecided).toContain("4c public.holds");
  expect(undecided).toContain("H201 public.holds");
  // a check that reads all policies at once has to wait for the lock too
  expect(undecided.filter((line) => !/ (public\.holds|database)$/.test(line))).toEqual([]);
  expect(exitCode).toBe(3);
  expect(results.find(({ code, object }) => code === "H201" && object === "public.bookings")?.outcome).toBe(
    "pass",
  );
});

test("a policy that raises is an outage, reported as such", async () => {
  await client.query(
    `create table public.raising (id int primary key, restaurant_id uuid not null, name text not null);
     alter table public.raising enable row level security; alter table public.raising force row level security;
     create policy raw on public.raising to authenticated using (restaurant_id = current_setting('app.restaurant_id')::uuid)`,
  );
  const { results } = await verifyDatabase(url);
  await client.query("drop table public.raising");
  const result = results.find(({ code, object }) => code === "4c" && object === "public.raising");
  expect(result).toMatchObject({ outcome: "fail", severity: "low" });
  expect(result?.detail).toMatch(/42704|22P02/);
});

test("a wrong claim in the configuration proves nothing, and says so", async () => {
  const session = await connect(url, { purpose: "test" });
  const isolation = requireIsolation(loadConfig());
  const model = await loadModel(session, { ...isolation, context: { claim: "activeRestaurant" } });
  const { undecided, exitCode } = findingsOf((await verify(session, model)).results);
  await session.end();
  expect(undecided).toEqual(["H001 context"]);
  expect(exitCode).toBe(3);
});

test("hostile names are quoted, and nothing in them is executed", async () => {
  const hostile = `x"; drop table public.bookings; --`;
  const quoted = `"${hostile.replaceAll('"', '""')}"`;
  await client.query(`create schema if not exists "Mixed Case"`);
  await client.query(
    `create table public.${quoted} (${quoted} int, restaurant_id uuid not null, "a'b" text not null default 'x');
     select tenancy.protect('public.${quoted.replaceAll("'", "''")}', 'restaurant_id')`,
  );
  await client.query(`create policy ${quoted} on public.${quoted} using (true)`);
  const { failed, exitCode } = await verifyDatabase(url);
  const { rows } = await client.query("select to_regclass('public.bookings') is not null as there");
  await client.query(`drop table public.${quoted}`);
  expect(rows[0].there).toBe(true);
  expect(failed.filter((line) => !line.startsWith("H9"))).toEqual([`H103 public.${quoted}`]);
  expect(exitCode).toBe(0);
});

test("a table whose policy takes for ever is skipped, and the rest is judged", async () => {
  await client.query(
    `create function public.dawdle() returns boolean language plpgsql stable as $$ begin perform pg_sleep(60); return true; end $$;
     create table public.slow (id int primary key, restaurant_id uuid not null, name text not null);
     alter table public.slow enable row level security; alter table public.slow force row level security;
     create policy slow on public.slow to authenticated using ((select public.dawdle()) and restaurant_id = (select public.current_restaurant_id()))`,
  );
  const { undecided, results, exitCode } = await verifyDatabase(url);
  await client.query("drop table public.slow; drop function public.dawdle()");
  expect(undecided).toContain("H201 public.slow");
  expect(undecided.every((line) => line.endsWith(" public.slow"))).toBe(true);
  expect(exitCode).toBe(3);
  expect(results.find(({ code, object }) => code === "H201" && object === "public.bookings")?.outcome).toBe(
    "pass",
  );
});

test("no row is offered to a table whose BEFORE trigger would act; its policies are judged all the same", async () => {
  await client.query(
    `create sequence public.tickets;
     create table public.ticketed (id int primary key, restaurant_id uuid not null, name text not null);
     select tenancy.protect('public.ticketed', 'restaurant_id');
     create function public.ticket() returns trigger language plpgsql as $$ begin new.id := nextval('public.tickets'); return new; end $$;
     create trigger ticket before insert on public.ticketed for each row execute function public.ticket();
     grant usage on sequence public.tickets to authenticated`,
  );
  const { results } = await verifyDatabase(url);
  const { rows } = await client.query("select last_value, is_called from public.tickets");
  await client.query(
    "drop table public.ticketed; drop function public.ticket(); drop sequence public.tickets",
  );
  expect(rows).toEqual([{ last_value: "1", is_called: false }]);
  expect(results.find(({ code, object }) => code === "H202" && object === "public.ticketed")).toMatchObject({
    outcome: "pass",
    detail: expect.stringContaining("triggers or rules"),
  });
});

test("a plan alone decides little: on a protected branch what has a filter is skipped, what has none is found", async () => {
  await client.query("alter table public.holds disable row level security");
  const session = await connect(url, { purpose: "test" });
  const model = await loadModel(session, requireIsolation(loadConfig()));
  const { failed, undecided } = findingsOf((await verify(session, model, { depth: "explain" })).results);
  await session.end();
  await client.query("select tenancy.protect('public.holds', 'restaurant_id')");
  expect(failed).toEqual(
    expect.arrayContaining([
      "4c public.holds",
      "H101 public.holds",
      "H201 public.holds",
      "H204 public.holds",
      "H205 public.holds",
    ]),
  );
  expect(undecided).toContain("H201 public.bookings");
  expect(undecided).not.toContain("H101 public.bookings");
});

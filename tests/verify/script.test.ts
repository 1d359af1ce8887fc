import pg from "pg";
import { expect, test } from "vitest";
import { loadConfig, requireIsolation } from "../../harness/config/load.ts";
import { loadChecks } from "../../harness/verify/checks.ts";
import { scriptOf } from "../../harness/verify/script.ts";
import { testDatabase } from "../support/database.ts";
import { runScript } from "../support/psql.ts";
import { verifyDatabase } from "../support/verify.ts";

// A table that anybody may read, so that there is something to find.
const { url, client } = await testDatabase();
await client.query(`
  create table public.careless (id int primary key, restaurant_id uuid not null);
  create policy all_of_it on public.careless using (restaurant_id = restaurant_id);
  alter table public.careless enable row level security;
  grant select on public.careless to authenticated`);
const isolation = requireIsolation(loadConfig());
const { results } = await verifyDatabase(url);

/** What the script answers with, sent in one message as it stands. */
async function answers(script: string): Promise<Record<string, string>[]> {
  const session = new pg.Client(url);
  await session.connect();
  try {
    const all = (await session.query(script)) as unknown as pg.QueryResult[];
    return all.filter(({ command }) => command === "SELECT").at(-1)?.rows ?? [];
  } finally {
    await session.end();
  }
}

test.each(loadChecks())("$code: the script runs, and answers as verify does", async (check) => {
  const script = scriptOf(check, isolation);
  expect(await runScript(url, script)).toEqual([]);
  const told = (await answers(script)).map(({ object, outcome }) => `${object} ${outcome}`).sort();
  const known = results
    .filter(({ code }) => code === check.code)
    .map(({ object, outcome }) => `${object} ${outcome}`)
    .sort();
  // what the probes or the survey found is not in the script, and most checks that ask for it say nothing without
  const silent = told.length === 0 && (check.observes || check.area === "pii");
  expect([...new Set(told)]).toEqual(silent ? [] : known);
});

test("it finds what there is to find", async () => {
  const check = loadChecks().find(({ code }) => code === "H301");
  const rows = await answers(scriptOf(check as NonNullable<typeof check>, isolation));
  expect(rows.filter(({ outcome }) => outcome === "fail").map(({ object }) => object)).toEqual([
    "public.careless",
  ]);
});

test.each(loadChecks())("$code: without a configuration the script runs too", async (check) => {
  const script = scriptOf(check, null);
  expect(script).toContain("replace app_user, tenant_id and app.tenant_id");
  await expect(answers(script)).resolves.toBeInstanceOf(Array);
});

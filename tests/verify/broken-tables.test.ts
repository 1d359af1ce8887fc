import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadChecks } from "../../harness/verify/checks.ts";
import { loadDemoData, testDatabase } from "../support/database.ts";
import { verifyDatabase } from "../support/verify.ts";

const table = "public.bookings";
const checks = loadChecks();
const mine = "restaurant_id = (select public.current_restaurant_id())";
const dropFloor = `drop policy tenant_floor on ${table};`;

interface Breakage {
  what: string;
  sql: string;
  /** The checks that have to see it, and no others. */
  seenBy: string[];
  exitCode: number;
}

const breakages: Breakage[] = [
  {
    what: "row security disabled",
    sql: `alter table ${table} disable row level security;`,
    seenBy: ["4c", "H101", "H201", "H202", "H203", "H204", "H205"],
    exitCode: 1,
  },
  {
    what: "a careless permissive policy, held back by the floor",
    sql: `create policy careless on ${table} using (true);`,
    seenBy: ["H103"],
    exitCode: 0,
  },
  {
    what: "a careless permissive policy, and no floor",
    sql: `create policy careless on ${table} using (true); ${dropFloor}`,
    seenBy: ["4c", "H103", "H201", "H202", "H203", "H204", "H205"],
    exitCode: 1,
  },
  { what: "no floor, nothing careless", sql: dropFloor, seenBy: [], exitCode: 0 },
  {
    what: "a WITH CHECK (true) on INSERT",
    sql: `create policy careless on ${table} for insert to authenticated with check (true); ${dropFloor}`,
    seenBy: ["4c", "H103", "H202"],
    exitCode: 1,
  },
  {
    what: "an UPDATE that takes every tenant's rows, while SELECT is scoped",
    sql: `create policy careless on ${table} for update to authenticated using (true) with check (${mine}); ${dropFloor}`,
    seenBy: ["4c", "H103", "H204"],
    exitCode: 1,
  },
  {
    what: "an UPDATE that gives rows away",
    sql: `create policy careless on ${table} for update to authenticated using (${mine}) with check (true); ${dropFloor}`,
    seenBy: ["4c", "H103", "H203"],
    exitCode: 1,
  },
  {
    what: "a DELETE that reaches every row",
    sql: `create policy careless on ${table} for delete to authenticated using (true); ${dropFloor}`,
    seenBy: ["4c", "H103", "H205"],
    exitCode: 1,
  },
  {
    what: "a policy that opens without a context",
    sql: `create policy careless on ${table} using ((select public.current_restaurant_id()) is null or ${mine}); ${dropFloor}`,
    seenBy: ["4c"],
    exitCode: 1,
  },
  {
    what: "a policy for PUBLIC only",
    sql: `create policy careless on ${table} for select to public using (true); ${dropFloor}`,
    seenBy: ["4c", "H103", "H201"],
    exitCode: 1,
  },
  {
    what: "TRUNCATE granted",
    sql: `grant truncate on ${table} to authenticated;`,
    seenBy: ["H206"],
    exitCode: 1,
  },
  {
    what: "row security not forced",
    sql: `alter table ${table} no force row level security;`,
    seenBy: ["H102"],
    exitCode: 0,
  },
];

describe.each([
  ["empty", false],
  ["with rows of several tenants", true],
])("a broken table, %s", async (_, filled) => {
  const database = await testDatabase();

  beforeAll(async () => {
    if (filled) await loadDemoData(database.client);
  });

  afterEach(async () => {
    await database.client.query(
      `drop policy if exists careless on ${table}; select tenancy.protect('${table}', 'restaurant_id')`,
    );
  });

  test("nothing is broken to begin with", async () => {
    const { failed, undecided, exitCode } = await verifyDatabase(database.url);
    expect({ failed, undecided, exitCode }).toEqual({ failed: [], undecided: [], exitCode: 0 });
  });

  test.each(breakages)("$what", async ({ sql, seenBy, exitCode }) => {
    await database.client.query(sql);
    const broken = await verifyDatabase(database.url);
    expect(broken.failed).toEqual(seenBy.map((code) => `${code} ${table}`));
    expect(broken.exitCode).toBe(exitCode);

    await database.client.query(broken.fixes);
    // without rows every check is asked again; with them, those that have seen it
    const asked = filled ? checks.filter(({ code }) => seenBy.includes(code)) : checks;
    const mended = await verifyDatabase(database.url, "medium", undefined, { checks: asked });
    expect(mended.failed).toEqual([]);
  });
});

test("the statement that leaks leaks when it is run as shown", async () => {
  const { client, url } = await testDatabase();
  await loadDemoData(client);
  await client.query(`alter table ${table} disable row level security`);
  const { results } = await verifyDatabase(url);
  const evidence = (code: string) =>
    results.find((r) => r.code === code && r.object === table)?.evidence ?? "";

  for (const code of ["4c", "H101", "H201"]) {
    const answers = (await client.query(evidence(code))) as unknown as { rows: { count?: string }[] }[];
    const counts = answers.flatMap(({ rows }) => rows.flatMap(({ count }) => (count ? [Number(count)] : [])));
    expect(counts.length, code).toBe(1);
    expect(counts[0], code).toBeGreaterThan(0);
  }
  // not 42501: nothing but the constraint stopped it
  await expect(client.query(evidence("H202"))).rejects.toMatchObject({ code: "23502" });
  await client.query("rollback");
  const plan = JSON.stringify(
    await client.query(evidence("H204").replace("explain ", "explain (format json) ")),
  );
  expect(plan).toContain("Update");
  expect(plan).not.toMatch(/Filter|Index Cond/);
});

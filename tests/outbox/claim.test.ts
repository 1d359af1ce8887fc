import { afterAll, beforeEach, expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { testDatabase } from "../support/database.ts";
import { addEvents, addTenants, clear, job } from "./support/outbox.ts";

const { client, url } = await testDatabase();
const other = await connect(url, { purpose: "test" });
afterAll(() => other.end());
const tenants = await addTenants(client, 2);
const [large = "", small = ""] = tenants;
beforeEach(() => clear(client));

const claim = (events: number, who = client) =>
  who.query<{ tenant: string; id: string }>("select tenant, id from outbox.claim('test', $1)", [events]);

/** Claims until the tenant has nothing left; how many that took. */
async function claimsUntilServed(tenant: string, count: number, batch: number): Promise<number> {
  let served = 0;
  for (let claims = 1; claims <= 1000; claims++) {
    const { rows } = await job(client, () => claim(batch));
    served += rows.filter((row) => row.tenant === tenant).length;
    if (served === count) return claims;
  }
  throw new Error(`only ${served} of ${count} after 1000 claims`);
}

test("a tenant with one event in a hundred waits at most twice as long as alone", async () => {
  await addEvents(client, small, 100);
  const alone = await claimsUntilServed(small, 100, 20);
  await clear(client);
  await addEvents(client, large, 9900);
  await addEvents(client, small, 100);
  const beside = await claimsUntilServed(small, 100, 20);
  expect(alone).toBe(5);
  expect(beside).toBeLessThanOrEqual(2 * alone);

  // What it would be without: the order of arrival.
  await clear(client);
  await addEvents(client, large, 9900);
  await addEvents(client, small, 100);
  const { rows } = await job(client, () =>
    client.query(
      `select ceil(max(place) / 20.0)::int as claims
         from (select restaurant_id, row_number() over (order by next_attempt_at, id) as place from public.capacity_outbox) as q
        where restaurant_id = $1`,
      [small],
    ),
  );
  expect(rows[0].claims).toBe(500);
});

test("claims at the same time take different events, and wait for nobody", async () => {
  await addEvents(client, large, 30);
  await addEvents(client, small, 30);
  const mine = await job(client, async () => {
    const first = await claim(20);
    const second = await job(other, () => claim(20, other));
    return [...first.rows, ...second.rows];
  });
  expect(new Set(mine.map(({ tenant, id }) => `${tenant}/${id}`)).size).toBe(40);
});

test("the same event from two transactions at once is one", async () => {
  const enqueue = (who: typeof client) =>
    who
      .query("select outbox.enqueue('capacity.taken', '{}', 'table-1', tenant => $1) as id", [small])
      .then(({ rows }) => rows[0].id as string);
  const both = await job(client, async () => {
    const first = await enqueue(client);
    // Waits for the first to commit.
    return [first, job(other, () => enqueue(other))] as const;
  });
  expect(await both[1]).toBe(both[0]);
});

test("an event whose transaction commits after the floor has passed it is found by the sweep", async () => {
  await client.query("update outbox.queues set lag = '0'");
  await other.query("begin; set local role app_background; select tenancy.set_job('test')");
  await other.query("select outbox.enqueue('late', tenant => $1)", [small]);
  await job(client, () => client.query("select outbox.raise_floor('public.capacity_outbox')"));
  await other.query("commit");
  expect((await job(client, () => claim(10))).rows).toEqual([]);
  const { rows } = await job(client, () => client.query("select late from outbox.sweep()"));
  expect(rows).toEqual([{ late: true }]);
  expect((await job(client, () => claim(10))).rows).toHaveLength(1);
  await client.query("update outbox.queues set lag = default");
});

interface Plan {
  "Node Type": string;
  "Index Name"?: string;
  "Actual Rows"?: number;
  "Actual Loops"?: number;
  "Rows Removed by Filter"?: number;
  "Shared Hit Blocks"?: number;
  "Shared Read Blocks"?: number;
  Plans?: Plan[];
}
const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];

test("with 100,000 waiting, a claim walks over the dispatch index and reads some hundred pages", async () => {
  const many = await addTenants(client, 200);
  await job(client, () =>
    client.query(
      `insert into public.capacity_outbox (restaurant_id, event_type, dedupe_key, next_attempt_at)
       select ($1::uuid[])[case when n % 2 = 0 then 1 else 1 + n / 2 % 200 end], 'e', n::text, now() - interval '1 hour' + n * interval '1 ms'
         from generate_series(1, 100000) as n`,
      [many],
    ),
  );
  // Stale statistics: to the planner the table is as small as it was before.
  const explain = () =>
    job(client, async () => {
      const settings = await client.query(
        "select unnest(proconfig) as setting from pg_proc where oid = 'outbox.claim'::regproc",
      );
      for (const { setting } of settings.rows)
        await client.query("select set_config($1, $2, true)", setting.split("="));
      const { rows } = await client.query(
        "select outbox.walk_statement('public.capacity_outbox', 'after') as statement",
      );
      const values = [
        "'00000000-0000-0000-0000-000000000000'",
        "'-infinity'",
        "'{}'::uuid[]",
        "'-infinity'",
        "clock_timestamp()",
        "1",
        "100",
        "'{}'::uuid[]",
        "'{}'::integer[]",
        "null",
      ];
      const statement = rows[0].statement.replace(
        /\$(10|[1-9])/g,
        (_: string, at: string) => values[Number(at) - 1] ?? "",
      );
      const answer = await client.query(`explain (analyze, buffers, format json) ${statement}`);
      return answer.rows[0]["QUERY PLAN"][0].Plan as Plan;
    });
  for (const statistics of ["stale", "fresh"]) {
    if (statistics === "fresh") await client.query("analyze public.capacity_outbox");
    const plan = await explain();
    const scans = nodes(plan).filter((node) => /Scan$/.test(node["Node Type"]) && node["Index Name"]);
    expect(
      scans.map((scan) => scan["Index Name"]),
      statistics,
    ).toEqual(scans.map(() => "capacity_outbox_dispatch_idx"));
    expect(scans).toHaveLength(5);
    // One of two candidates at each step.
    const sorts = nodes(plan).filter((node) => node["Node Type"] === "Sort");
    expect(Math.max(...sorts.map((sort) => sort["Actual Rows"] ?? 0))).toBeLessThanOrEqual(2);
    const types = nodes(plan).map((node) => node["Node Type"]);
    expect(
      types.filter((type) => /Seq Scan|Hash|Bitmap/.test(type)),
      statistics,
    ).toEqual([]);
    expect((plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0), statistics).toBeLessThan(
      2000,
    );
  }

  // A tenant's own look at what it has waiting goes by the same index, row security or not.
  await client.query("begin");
  await client.query("set local role authenticated");
  await client.query("select set_config('app.restaurant_id', $1, true)", [many[7]]);
  const { rows } = await client.query(
    `explain (analyze, buffers, format json)
     select * from public.capacity_outbox where status = 'pending' and next_attempt_at <= now() order by next_attempt_at, id limit 100`,
  );
  await client.query("rollback");
  const own = rows[0]["QUERY PLAN"][0].Plan as Plan;
  expect(nodes(own).map((node) => node["Index Name"])).toContain("capacity_outbox_dispatch_idx");
  expect((own["Shared Hit Blocks"] ?? 0) + (own["Shared Read Blocks"] ?? 0)).toBeLessThan(300);
});

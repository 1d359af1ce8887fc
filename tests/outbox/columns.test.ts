import fc from "fast-check";
import { expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { addEvents, addTenants, clear, job } from "./support/outbox.ts";

const { client } = await testDatabase();
const [attacker = "", victim = "", ...others] = await addTenants(client, 54);
const seed = Number(process.env.HARNESS_SEED ?? Date.now() % 1_000_000);
const runs = process.env.HARNESS_LONG ? 2_000 : 60;

const edgeTimes = [
  "-infinity",
  "infinity",
  "4714-11-24 00:00:00+00 BC",
  "294276-12-31 23:59:59+00",
  "2000-01-01 00:00:00+00",
  "9999-12-31 00:00:00+00",
  "1999-12-31 23:59:59.999999+00",
  "now",
  "epoch",
];
/** What a tenant may try to write, by the type of the column: text of a literal, or NULL. */
const valuesOf: Record<string, fc.Arbitrary<string | null>> = {
  uuid: fc.constantFrom(attacker, victim, "00000000-0000-0000-0000-000000000000"),
  bigint: fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String), fc.constantFrom("0", "1", "-1")),
  integer: fc.oneof(fc.integer().map(String), fc.constantFrom("0", "1", "12", "100", "-1")),
  "timestamp with time zone": fc.oneof(
    fc.constantFrom(...edgeTimes),
    fc
      .integer({ min: -4712, max: 294_275 })
      .map((year) =>
        year <= 0
          ? `${String(1 - year).padStart(4, "0")}-06-01 BC`
          : `${String(year).padStart(4, "0")}-06-01`,
      ),
  ),
  text: fc.oneof(
    fc.constantFrom(
      "",
      "pending",
      "processing",
      "done",
      "dead",
      "%s %I %",
      "'; drop table x; --",
      "\\",
      "\uFFFD",
      "e",
    ),
    fc.string({ unit: "grapheme", maxLength: 50 }).map((text) => text.replaceAll("\0", "")),
    fc.nat({ max: 3_000 }).map((length) => "é".repeat(length)),
  ),
  jsonb: fc.oneof(
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
    fc.constantFrom('{"n": 1e400}', '{"__proto__": {"x": 1}}', "null", "[]"),
    fc.nat({ max: 2 ** 21 }).map((length) => `{"x": "${"x".repeat(length)}"}`),
    fc.nat({ max: 3_000 }).map((depth) => `{"x": ${"[".repeat(depth)}${"]".repeat(depth)}}`),
  ),
};

const { rows: columns } = await client.query<{ name: string; type: string }>(
  `select a.attname as name, format_type(a.atttypid, null) as type
     from pg_attribute a
    where a.attrelid = 'public.capacity_outbox'::regclass and a.attnum > 0 and not a.attisdropped and a.attname <> 'restaurant_id'`,
);

const names = columns.map(({ name }) => name).join(", ");

/** Some columns with a value each; the others keep their defaults. Few at a time, since one that is refused refuses the row. */
const row = fc
  .subarray(columns, { minLength: 1, maxLength: 3 })
  .chain((chosen) =>
    fc.tuple(
      ...chosen.map(({ name, type }) =>
        fc.tuple(fc.constant(name), fc.option(valuesOf[type] ?? fc.constant(null), { freq: 20 })),
      ),
    ),
  );

/** As the tenant; false if it was refused. */
async function insertRaw(given: [string, string | null][], n: number): Promise<boolean> {
  const all = new Map<string, string | null>([
    ["event_type", "e"],
    ["idempotency_key", `raw-${n}`],
    ...given,
  ]);
  await client.query("savepoint one");
  try {
    await client.query("set local role authenticated");
    await client.query("select set_config('app.restaurant_id', $1, true)", [attacker]);
    await client.query(
      `insert into public.capacity_outbox (restaurant_id, ${[...all.keys()].join(", ")}) overriding system value
       values ($1, ${[...all.keys()].map((_, at) => `$${at + 2}`).join(", ")})`,
      [attacker, ...all.values()],
    );
    return true;
  } catch {
    return false;
  } finally {
    await client.query("rollback to savepoint one").catch(() => undefined);
  }
}

test("every type of a column is covered", () => {
  expect(columns.filter(({ type }) => !valuesOf[type])).toEqual([]);
  expect(columns.length).toBeGreaterThan(15);
});

test(`whatever a tenant writes, sweeps, claims and settling go on for all others (seed ${seed})`, async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), fc.boolean(), async (rows, early) => {
      await clear(client);
      await addEvents(client, victim, 1);
      await job(client, () => client.query("select outbox.claim('gone', 1)"));
      await job(client, () =>
        client.query(
          "update public.capacity_outbox set locked_until = clock_timestamp() - interval '1 second'",
        ),
      );
      await addEvents(client, victim, 1);
      await client.query("begin");
      const kept: [string, string | null][][] = [];
      for (const [n, given] of rows.entries()) if (await insertRaw(given, n)) kept.push(given);
      await client.query("rollback");
      // Those that were taken, once more and for good: each by itself above, so that one that is refused takes none with it.
      await client.query("begin");
      await client.query("set local role authenticated");
      await client.query("select set_config('app.restaurant_id', $1, true)", [attacker]);
      for (const [n, given] of kept.entries()) {
        const all = new Map<string, string | null>([
          ["event_type", "e"],
          ["idempotency_key", `raw-${n}`],
          ...given,
        ]);
        await client.query(
          `insert into public.capacity_outbox (restaurant_id, ${[...all.keys()].join(", ")}) overriding system value
           values ($1, ${[...all.keys()].map((_, at) => `$${at + 2}`).join(", ")}) on conflict do nothing`,
          [attacker, ...all.values()],
        );
      }
      await client.query("commit");
      taken += kept.length;
      // One tenant's oddities are kept apart from the floor; those of more than fifty are not.
      await job(client, () =>
        client.query(
          `insert into public.capacity_outbox (restaurant_id, ${names}) overriding system value
           select o, ${names} from public.capacity_outbox, unnest($2::uuid[]) as o where restaurant_id = $1`,
          [attacker, others],
        ),
      );

      const sweep = async () =>
        (await job(client, () => client.query("select * from outbox.return_leases()"))).rows[0];
      if (early) await job(client, () => client.query("select outbox.raise_floor('public.capacity_outbox')"));
      expect(await sweep()).toEqual({ returned: 1, buried: 0 });
      await job(client, () => client.query("select outbox.lower_floor()"));
      const claimed = await job(client, () =>
        client.query("select tenant, id, token, created_at from outbox.claim('w', 1000)"),
      );
      expect(claimed.rows.filter(({ tenant }) => tenant === victim)).toHaveLength(2);
      expect(claimed.rows.every(({ created_at }) => !Number.isNaN(new Date(created_at).getTime()))).toBe(
        true,
      );
      const half = (odd: number) => claimed.rows.filter((_, at) => at % 2 === odd);
      const columnsOf = (events: typeof claimed.rows) => [
        events.map(({ tenant }) => tenant),
        events.map(({ id }) => id),
        events.map(({ token }) => token),
      ];
      const acked = await job(client, () =>
        client.query("select from outbox.ack($1::uuid[], $2::bigint[], $3::bigint[])", columnsOf(half(0))),
      );
      const failed = await job(client, () =>
        client.query(
          "select from outbox.fail_all($1::uuid[], $2::bigint[], $3::bigint[], array_fill('no'::text, array[$4::int]), '{}', '{}')",
          [...columnsOf(half(1)), half(1).length],
        ),
      );
      expect((acked.rowCount ?? 0) + (failed.rowCount ?? 0)).toBe(claimed.rows.length);
    }),
    { seed, numRuns: runs, endOnFailure: true },
  );
  // Else nothing would have been tried but what is refused.
  expect(taken).toBeGreaterThan(runs / 10);
});

import { afterEach, describe, expect, test } from "vitest";
import { installPack } from "../../harness/partitions/pack.ts";
import { testDatabase } from "../support/database.ts";

const { client } = await testDatabase("empty");
await client.query("set timezone = 'UTC'");
await installPack(client);
const all = async <T>(sql: string, values: unknown[] = []) => (await client.query(sql, values)).rows as T[];

afterEach(() => client.query("set timezone = 'UTC'"));

describe("periods", () => {
  const periods = async (period: string, zone: string, from: string, upto = from) =>
    (
      await all<{ line: string }>(
        `select format('%s %s %s', suffix, to_char(starts_at, 'YYYY-MM-DD HH24:MI'), to_char(ends_at, 'YYYY-MM-DD HH24:MI')) as line
           from partitions.periods($1, $2, $3, $4)`,
        [period, zone, from, upto],
      )
    ).map(({ line }) => line);

  test.each([
    [
      "a leap February",
      "month",
      "UTC",
      "2028-02-29 12:00+00",
      ["p2028_02 2028-02-01 00:00 2028-03-01 00:00"],
    ],
    [
      "the first instant",
      "month",
      "UTC",
      "2026-12-01 00:00+00",
      ["p2026_12 2026-12-01 00:00 2027-01-01 00:00"],
    ],
    [
      "the last instant",
      "month",
      "UTC",
      "2026-12-31 23:59:59.999999+00",
      ["p2026_12 2026-12-01 00:00 2027-01-01 00:00"],
    ],
    [
      "Zurich, a summer's month",
      "month",
      "Europe/Zurich",
      "2026-07-31 22:00+00",
      ["p2026_08 2026-07-31 22:00 2026-08-31 22:00"],
    ],
    [
      "Zurich, clocks change in it",
      "month",
      "Europe/Zurich",
      "2026-10-15 00:00+00",
      ["p2026_10 2026-09-30 22:00 2026-10-31 23:00"],
    ],
    [
      "Zurich, a day of 23 hours",
      "day",
      "Europe/Zurich",
      "2026-03-29 12:00+00",
      ["p2026_03_29 2026-03-28 23:00 2026-03-29 22:00"],
    ],
    [
      "Zurich, a day of 25 hours",
      "day",
      "Europe/Zurich",
      "2026-10-25 12:00+00",
      ["p2026_10_25 2026-10-24 22:00 2026-10-25 23:00"],
    ],
    [
      "Kathmandu, a quarter of an hour",
      "month",
      "Asia/Kathmandu",
      "2026-11-30 18:14:59+00",
      ["p2026_11 2026-10-31 18:15 2026-11-30 18:15"],
    ],
    [
      "Sao Paulo, where midnight was skipped",
      "day",
      "America/Sao_Paulo",
      "2018-11-04 12:00+00",
      ["p2018_11_04 2018-11-04 03:00 2018-11-05 02:00"],
    ],
    [
      "Sao Paulo, where the hour before midnight came twice",
      "day",
      "America/Sao_Paulo",
      "2018-02-18 01:30+00",
      ["p2018_02_17 2018-02-17 02:00 2018-02-18 03:00"],
    ],
    [
      "Havana, where midnight comes twice on the first of a month",
      "month",
      "America/Havana",
      "2026-11-01 04:30+00",
      ["p2026_11 2026-11-01 04:00 2026-12-01 05:00"],
    ],
    [
      "the last week of a year belongs to the next",
      "week",
      "UTC",
      "2025-12-31 00:00+00",
      ["p2026w01 2025-12-29 00:00 2026-01-05 00:00"],
    ],
    [
      "a year of 53 weeks",
      "week",
      "UTC",
      "2027-01-03 23:00+00",
      ["p2026w53 2026-12-28 00:00 2027-01-04 00:00"],
    ],
    ["a quarter", "quarter", "UTC", "2026-11-20 00:00+00", ["p2026q4 2026-10-01 00:00 2027-01-01 00:00"]],
    ["a year", "year", "Pacific/Apia", "2026-12-31 11:00+00", ["p2027 2026-12-31 11:00 2027-12-31 11:00"]],
  ])("%s", async (_, period, zone, at, expected) => {
    expect(await periods(period, zone, at)).toEqual(expected);
  });

  test("Apia never had 30 December 2011", async () => {
    const days = await periods("day", "Pacific/Apia", "2011-12-29 12:00+00", "2011-12-31 12:00+00");
    expect(days).toEqual([
      "p2011_12_29 2011-12-29 10:00 2011-12-30 10:00",
      "p2011_12_31 2011-12-30 10:00 2011-12-31 10:00",
      "p2012_01_01 2011-12-31 10:00 2012-01-01 10:00",
    ]);
  });

  test.each(["Europe/Zurich", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "America/Havana"])(
    "%s: periods of each length follow each other without gap or overlap for 35 years",
    async (zone) => {
      for (const period of ["day", "week", "month", "quarter", "year"]) {
        const [row] = await all<{ breaks: string; names: string; periods: string }>(
          `select count(*) filter (where next <> ends_at) as breaks, count(*) - count(distinct suffix) as names, count(*) as periods
             from (select *, lead(starts_at) over (order by starts_at) as next from partitions.periods($1, $2, '1995-01-01', '2029-12-31')) as p`,
          [period, zone],
        );
        expect({ period, breaks: row?.breaks, names: row?.names }).toEqual({
          period,
          breaks: "0",
          names: "0",
        });
        expect(Number(row?.periods)).toBeGreaterThan(34);
      }
    },
  );

  test("they are the same whatever the session's time zone and date style are", async () => {
    const before = await periods("month", "Europe/Zurich", "2026-03-15 00:00+00", "2026-12-15 00:00+00");
    await client.query("set timezone = 'Asia/Kathmandu'");
    const [row] = await all<{ same: boolean }>(
      `select array_agg(format('%s %s %s', suffix, to_char(starts_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), to_char(ends_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')) order by starts_at) = $1 as same
         from partitions.periods('month', 'Europe/Zurich', '2026-03-15 00:00+00', '2026-12-15 00:00+00')`,
      [before],
    );
    expect(row?.same).toBe(true);
  });

  test("what has no end, and what is no period, is refused", async () => {
    await expect(all("select partitions.periods('month', 'UTC', now(), 'infinity')")).rejects.toMatchObject({
      code: "22023",
    });
    await expect(all("select partitions.periods('fortnight', 'UTC', now(), now())")).rejects.toThrow(
      /'fortnight' is no period/,
    );
    await expect(all("select partitions.periods('day', 'Mars/Olympus', now(), now())")).rejects.toThrow(
      /time zone/,
    );
  });
});

describe("create_child and ensure", () => {
  const make = async (table: string, type: string, more = "") => {
    await client.query(
      `create table ${table} (id bigint generated always as identity, at ${type} not null ${more}, primary key (id, at)) partition by range (at)`,
    );
  };

  test.each([
    ["date", "2026-12-01", "2027-01-01"],
    ["timestamp", "2026-12-01 00:00:00", "2027-01-01 00:00:00"],
    ["timestamptz", "2026-11-30 23:00:00+00", "2026-12-31 23:00:00+00"],
  ])("a key of type %s", async (type, from, to) => {
    const table = `public.by_${type}`;
    await make(table, type);
    const zone = type === "timestamptz" ? "Europe/Zurich" : "UTC";
    await client.query("select partitions.manage($1, 'month', $2)", [table, zone]);
    // neither the session's zone nor its style of dates may change a bound
    await client.query("set timezone = 'America/Sao_Paulo'; set datestyle = 'German'");
    await client.query(
      `select partitions.fill($1, s.starts_at, s.ends_at) from partitions.periods('month', $2, '2026-12-10', '2026-12-10') as s`,
      [table, zone],
    );
    await client.query("set datestyle = 'ISO, MDY'; set timezone = 'UTC'");
    expect(
      await all(
        "select pg_get_expr(relpartbound, oid) as bound, relname from pg_class where oid = ($1 || '_p2026_12')::regclass",
        [table],
      ),
    ).toEqual([{ bound: `FOR VALUES FROM ('${from}') TO ('${to}')`, relname: `by_${type}_p2026_12` }]);
  });

  test("a time zone for a date is refused, and so is what is not partitioned by a time", async () => {
    await expect(all("select partitions.manage('public.by_date', 'month', 'Europe/Zurich')")).rejects.toThrow(
      /knows no time zone/,
    );
    await client.query(
      "create table plain (id int); create table by_id (id int) partition by range (id); create table by_list (at date) partition by list (at)",
    );
    for (const [table, why] of [
      ["plain", /not partitioned/],
      ["by_id", /of type integer/],
      ["by_list", /not partitioned by range/],
    ] as const)
      await expect(all("select partitions.children($1)", [table])).rejects.toThrow(why);
  });

  test("ensure makes the current period and those ahead, once, and fills gaps only", async () => {
    await make("ahead", "timestamptz");
    await client.query("select partitions.manage('ahead', 'month', premake => 4)");
    expect(await all("select partitions.ensure('ahead')")).toHaveLength(5);
    expect(await all("select partitions.ensure('ahead')")).toEqual([]);
    const [second] = await all<{ child: string; starts: Date; ends: Date }>(
      "select child::text, starts_at as starts, ends_at as ends from partitions.children('ahead') offset 1",
    );
    // half of a period is there under a name that says nothing: only the other half is made
    await client.query(`drop table ${second?.child}`);
    await client.query(
      `create table oddly_named partition of ahead for values from ('${second?.starts.toISOString()}') to ('${new Date((second?.starts.getTime() ?? 0) + 86_400_000).toISOString()}')`,
    );
    expect(await all("select partitions.ensure('ahead')")).toHaveLength(1);
    expect(await all("select partitions.gaps('ahead', now(), now() + interval '4 months')")).toEqual([]);
    const [row] = await all<{ ends: Date }>("select max(ends_at) as ends from partitions.children('ahead')");
    await expect(all("insert into ahead (at) values ($1)", [row?.ends])).rejects.toMatchObject({
      code: "23514",
    });
    await expect(all("insert into ahead (at) values (now() - interval '2 months')")).rejects.toMatchObject({
      code: "23514",
    });
    await expect(
      all("insert into ahead (at) values ($1)", [new Date((row?.ends.getTime() ?? 0) - 1)]),
    ).resolves.toEqual([]);
  });
});

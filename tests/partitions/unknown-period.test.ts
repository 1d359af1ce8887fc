import { describe, expect, test } from "vitest";
import { partitionStatus } from "../../harness/partitions/status.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";

// What somebody else made: months of another time zone, weeks from Sunday, hours. What is missing cannot be told; that it ends can.
const { client, url } = await testDatabase("empty");

describe("periods that cannot be told", () => {
  const hours = (from: number, upto: number, step: number, origin: string, zone = "UTC") => `
    do $$ declare o timestamp := ${origin}; begin
      for n in ${from} .. ${upto} loop
        execute format('create table public.odd_%s partition of public.odd for values from (%L) to (%L)', n - (${from}),
          (o + n * interval '${step} hours') at time zone '${zone}', (o + (n + 1) * interval '${step} hours') at time zone '${zone}');
      end loop;
    end $$`;
  const months = (from: number, upto: number, zone: string, length = 1) => `
    do $$ declare o timestamp := date_trunc('month', now() at time zone '${zone}'); begin
      for n in ${from} .. ${upto} loop
        execute format('create table public.odd_%s partition of public.odd for values from (%L) to (%L)', n - (${from}),
          (o + n * ${length} * interval '1 month') at time zone '${zone}', (o + (n + 1) * ${length} * interval '1 month') at time zone '${zone}');
      end loop;
    end $$`;
  const cases: [string, string, string | null, string[]][] = [
    ["months of Berlin that end", months(-1, 0, "Europe/Berlin"), "month", ["running-out"]],
    ["months of Kathmandu ahead", months(-1, 4, "Asia/Kathmandu"), "month", []],
    ["quarters of New York that end", months(-2, 0, "America/New_York", 3), null, []],
    [
      "days of Tokyo that end",
      hours(-3, 0, 24, "date_trunc('day', now() at time zone 'Asia/Tokyo')", "Asia/Tokyo"),
      "day",
      ["running-out"],
    ],
    [
      "weeks from Sunday that end",
      hours(-2, 0, 168, "date_trunc('week', now() at time zone 'UTC') - interval '1 day'"),
      null,
      ["running-out"],
    ],
    [
      "weeks from Sunday ahead",
      hours(-2, 5, 168, "date_trunc('week', now() at time zone 'UTC') - interval '1 day'"),
      null,
      [],
    ],
    [
      "hours that end",
      hours(-2, 0, 1, "date_trunc('hour', now() at time zone 'UTC')"),
      null,
      ["running-out"],
    ],
    ["hours ahead", hours(-2, 9, 1, "date_trunc('hour', now() at time zone 'UTC')"), null, []],
    [
      "one partition of ten years",
      "create table public.odd_0 partition of public.odd for values from ('2020-03-03') to ('2062-05-05')",
      null,
      [],
    ],
  ];
  test.each(cases)("%s", async (name, make, likely, problems) => {
    await client.query(
      "drop table if exists public.odd; create table public.odd (at timestamptz not null) partition by range (at)",
    );
    await client.query(make);
    const { tables } = await partitionStatus(client, { table: "public.odd" });
    expect(tables[0]?.period).toBe(null);
    if (!name.startsWith("quarters")) {
      expect(tables[0]).toMatchObject({ likelyPeriod: likely, problems });
    }
    const { status, stdout } = await harness(["partitions", "status", "odd", "--database-url", url]);
    expect(status).toBe(tables[0]?.problems.length === 0 ? 0 : 1);
    expect(stdout.replace(/\s+/g, " ")).toMatch(
      /of another time zone than UTC|what is missing cannot be told/,
    );
    await client.query("drop table public.odd");
  });

  test("ensure asks for the time zone, and names what would fit; told, it makes what follows without a gap", async () => {
    await client.query("create table public.odd (at timestamptz not null) partition by range (at)");
    await client.query(months(-1, 0, "Europe/Berlin"));
    const ensure = (...more: string[]) =>
      harness([
        ..."partitions ensure odd --period month --premake 1 --database-url".split(" "),
        url,
        ...more,
      ]);
    const asked = await ensure();
    expect(asked).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/another time zone than UTC.*Europe\/.*\[bad-setting\]/),
    });
    expect(await ensure("--time-zone", "Europe/Berlin")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/made public\.odd_p\d{4}_\d\d\n/),
    });
    await client.query("drop table public.odd");
  });
});

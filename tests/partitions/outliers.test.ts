import { beforeEach, expect, test } from "vitest";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { installPartitions, removePartitions } from "./support/stepwise.ts";

// One row of 9999-12-31 must not become 96,000 partitions, nor a first partition up to the year 10000.
const { client, url } = await testDatabase("empty");
beforeEach(() => removePartitions(client));

async function create(type: string, outliers: string[]): Promise<void> {
  await client.query(`
    drop table if exists public.terms cascade;
    create table public.terms (id integer primary key, until ${type} not null);
    insert into public.terms select n, current_date - n from generate_series(1, 400) as n;
    analyze public.terms`);
  for (const [n, outlier] of outliers.entries())
    await client.query("insert into public.terms values ($1, $2)", [1000 + n, outlier]);
}

const convert = (...more: string[]) =>
  harness([..."partitions convert terms --key until --extend-keys --database-url".split(" "), url, ...more]);

const found: [string, string[], RegExp][] = [
  ["date", ["9999-12-31"], /others: 1 row of 9999-12-31\./],
  ["date", ["0001-01-01", "0001-01-01"], /others: 2 rows of 0001-01-01\./],
  ["timestamptz", ["2204-07-01 10:00+00"], /others: 1 row of 2204-07-01 10:00:00\+00\./],
  ["timestamp", ["9999-12-31", "0001-01-01", "1900-01-01"], /1 row of 0001-.*1 row of 1900-.*1 row of 9999-/],
  ["date", ["0044-03-15 BC"], /1 row of 0044-03-15 BC/],
];

test.each(found)(
  "%s, %j: named, and refused by each method, by a dry run too",
  async (type, outliers, named) => {
    await create(type, outliers);
    for (const more of [
      ["--method", "shadow", "--dry-run"],
      ["--method", "shadow"],
    ]) {
      const { status, stdout, stderr } = await convert(...more);
      expect({ status, stdout: stdout.replace(/^(installed|renewed) .*\n/, "") }).toEqual({
        status: 1,
        stdout: "",
      });
      expect(stderr).toMatch(/\[too-many-partitions\]/);
      expect(stderr).toMatch(named);
    }
    expect((await client.query("select count(*)::int as n from partitions.conversions")).rows).toEqual([
      { n: 0 },
    ]);
  },
);

test("attach: no first partition up to the year 10000; rows of the past do it no harm", async () => {
  await create("date", ["9999-12-31"]);
  const refused = await convert("--method", "attach");
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining("1 row of 9999-12-31") });
  await create("date", ["0001-01-01"]);
  expect(await convert("--method", "attach")).toMatchObject({ status: 0 });
});

test.each([
  ["date", "infinity"],
  ["timestamptz", "-infinity"],
  ["date", "5874897-12-31"],
])("%s %s: no partition is for it", async (type, outlier) => {
  await create(type, [outlier]);
  expect(await convert("--dry-run")).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/is infinite in some rows, or beyond every timestamp.*\[bad-setting\]/),
  });
});

test("asked for, or by longer periods, it is done", async () => {
  await create("date", ["2099-01-01"]);
  const yearly = await convert("--period", "year", "--method", "shadow");
  expect(yearly).toMatchObject({ status: 0, stderr: "" });
  await removePartitions(client);
  await create("date", ["1980-01-01"]);
  expect((await convert("--method", "shadow", "--dry-run")).status).toBe(1);
  expect(await convert("--method", "shadow", "--dry-run", "--max-partitions", "600")).toMatchObject({
    status: 0,
  });
});

test("a table that is dense has no outliers, and is refused all the same", async () => {
  await create("date", []);
  await client.query(
    "insert into terms select 10000 + n, current_date - n from generate_series(401, 900) as n",
  );
  const { status, stderr } = await convert("--period", "day", "--method", "shadow");
  expect(status).toBe(1);
  expect(stderr).toContain("Choose a longer period");
  expect(stderr).not.toContain("Years away");
});

test("partitions.rebuild() refuses too", async () => {
  await installPartitions(client);
  await create("date", ["9999-12-31"]);
  await expect(
    client.query("select partitions.rebuild('terms', 'until', 'month', extend_keys => true)"),
  ).rejects.toMatchObject({ code: "54000", hint: expect.stringContaining("1 row of 9999-12-31") });
});

import { beforeEach, expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import {
  advance,
  begin,
  differences,
  installPartitions,
  nextStep,
  removePartitions,
} from "./support/stepwise.ts";

// The copy finds no room, as on a full disk: whoever changes the table must not be refused for it, and nothing is swapped that is not complete.
// The server itself says so, by an error of that code: a disk that is full would need a file system of its own.
const { client, url } = await testDatabase("empty");
const table = "public.things";

beforeEach(async () => {
  await removePartitions(client);
  await client.query(`
    drop table if exists public.things cascade;
    create table public.things (id integer primary key, at date not null, value integer not null default 0);
    insert into public.things (id, at) select n, current_date - n % 90 from generate_series(1, 1000) as n;
    create or replace function public.no_room() returns trigger language plpgsql as $$
    begin raise exception 'could not extend file "base/1/2": No space left on device' using errcode = '53100'; end $$;`);
  await installPartitions(client);
  await begin(client, table, "at");
  await advance(client, table, "copy");
});

/** From a row on there is no room in the copy. */
const fill = (from: number) =>
  client.query(
    `create trigger no_room before insert on ${copy} for each row when (new.id >= ${from}) execute function public.no_room()`,
  );
const empty = () => client.query(`drop trigger no_room on ${copy}`);
let copy = "";
beforeEach(async () => {
  const { rows } = await client.query(
    "select partitions.whole_name(parent) as name from partitions.conversions",
  );
  copy = rows[0].name;
});

const convert = (...more: string[]) =>
  harness(["partitions", "convert", "things", "--database-url", url, "--batch", "100", ...more]);

test("until it is given up every writer is refused; from then on none", async () => {
  await fill(600);
  await expect(client.query("select * from partitions.copy_batch($1, 1000)", [table])).rejects.toMatchObject({
    code: "53100",
  });
  await expect(client.query("insert into things values (5000, current_date)")).rejects.toMatchObject({
    code: "53100",
  });
  await client.query("select partitions.give_up_copy($1)", [table]);
  await client.query(
    "insert into things values (5000, current_date); update things set value = 1 where id = 700; delete from things where id = 3",
  );
  expect(await nextStep(client, table)).toBe("watch");
});

test("the command gives the copy up, frees its room, names the way back; with room it copies anew, and misses nothing", async () => {
  await fill(600);
  const { status, stderr } = await convert();
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(
      /^harness: public\.things: the disk is full: .*--rollback takes it back.*\[disk-full\]\n$/,
    ),
  });
  expect((await client.query(`select count(*)::int as n from ${copy}`)).rows).toEqual([{ n: 0 }]);
  // what is changed meanwhile is in the table alone
  await client.query(
    "insert into things values (5000, current_date); update things set value = 1 where id = 7; delete from things where id = 3",
  );
  expect((await client.query(`select count(*)::int as n from ${copy}`)).rows).toEqual([{ n: 0 }]);
  expect(await convert()).toMatchObject({ status: 1 });
  await empty();
  expect(await convert("--pause-before-swap")).toMatchObject({ status: 0, stderr: "" });
  expect(await differences(client, table)).toEqual([]);
  expect(await convert()).toMatchObject({ status: 0, stderr: "" });
  const { rows } = await client.query(
    "select count(*)::int as n, sum(value)::int as changed, count(*) filter (where id = 3)::int as gone from things",
  );
  expect(rows).toEqual([{ n: 1000, changed: 1, gone: 0 }]);
});

test("a writer that is under way while the copy is begun anew is in it", async () => {
  const writer = await connect(url, { purpose: "test writer" });
  try {
    await fill(600);
    await convert();
    await empty();
    await writer.query("begin; insert into things values (6000, current_date)");
    const busy = await convert("--wait", "0.3", "--pause-before-swap");
    expect(busy).toMatchObject({ status: 1, stderr: expect.stringContaining("[table-busy]") });
    await writer.query("commit");
    expect(await convert("--pause-before-swap")).toMatchObject({ status: 0 });
    expect((await client.query(`select count(*)::int as n from ${copy} where id = 6000`)).rows).toEqual([
      { n: 1 },
    ]);
  } finally {
    await writer.end();
  }
});

test("taken back with the disk full, nothing is left", async () => {
  await fill(600);
  await convert();
  expect(await convert("--rollback")).toMatchObject({ status: 0, stderr: "" });
  await client.query("insert into things values (5000, current_date)");
  expect(
    (await client.query("select count(*)::int as n from pg_trigger where tgrelid = 'things'::regclass")).rows,
  ).toEqual([{ n: 0 }]);
});

test("the plan says how much room the copy takes", async () => {
  await client.query("select partitions.undo_conversion($1)", [table]);
  const { stdout } = await convert("--key", "at", "--extend-keys", "--method", "shadow", "--dry-run");
  expect(stdout).toMatch(/the copy takes about \d+ kB until --finish/);
});

import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { nextStep, removePartitions } from "./support/stepwise.ts";

const { client, url } = await testDatabase("empty");
let other: Client;
beforeAll(async () => {
  other = await connect(url, { purpose: "test" });
});
afterAll(() => other.end());

const table = "public.moments";
const convert = (...more: string[]) =>
  harness(["partitions", "convert", "moments", "--database-url", url, ...more]);
const code = (stderr: string) => /\[([a-z-]+)\]/.exec(stderr)?.[1];

/** Rows of this month and the three before, and so many months ahead. */
async function createMoments(type: string, ahead = 0): Promise<void> {
  await client.query(`
    drop table if exists public.moments cascade;
    create table public.moments (id integer primary key, at ${type} not null, value integer);
    insert into moments select n, date_trunc('month', now()) + make_interval(months => ${ahead} - n % 4, hours => 1), n from generate_series(1, 400) as n;
    analyze moments;`);
}

beforeEach(async () => {
  await other.query("rollback");
  await removePartitions(client);
  await createMoments("timestamptz", 2);
});

const rows = async () => (await client.query("select count(*)::int as n from moments")).rows[0].n;
const kind = async () =>
  (await client.query("select relkind from pg_class where oid = 'moments'::regclass")).rows[0].relkind;
const bounds = async () =>
  (
    await client.query(
      "select concat_ws(' ', c.child, to_char(c.starts_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')) as line from partitions.children('moments') as c",
    )
  ).rows.map(({ line }) => line as string);

describe("a dry run", () => {
  test("says what would be done and what stands in the way, and installs nothing", async () => {
    const { status, stdout, stderr } = await convert("--key", "at", "--dry-run");
    expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
    expect(stdout).toContain("method shadow: rows lie beyond the current period");
    expect(stdout).toContain("primary key moments_pkey: it lacks at");
    expect((await client.query("select to_regnamespace('partitions') as there")).rows).toEqual([
      { there: null },
    ]);
  });

  test.each([
    ["rows ahead", 2, [], "shadow"],
    ["no rows ahead", 0, [], "attach"],
    ["no rows ahead, some are to go by age", 0, ["--retention", "2 months"], "shadow"],
    ["rows ahead, as asked", 2, ["--method", "attach"], "attach"],
  ])("the method by the rule: %s", async (_, ahead, options, method) => {
    await createMoments("timestamptz", ahead);
    const { status, stdout } = await convert(
      "--key",
      "at",
      "--extend-keys",
      "--dry-run",
      "--json",
      ...options,
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dryRun: true, plan: { method, key: "at" }, blockers: [] });
  });

  test("of a table without an identity: attach", async () => {
    await client.query("alter table moments drop constraint moments_pkey");
    const { stdout } = await convert("--key", "at", "--dry-run", "--json");
    expect(JSON.parse(stdout).plan.method).toBe("attach");
  });
});

describe("a conversion", () => {
  test("is refused with every reason, and nothing is begun", async () => {
    await client.query("create materialized view m as select id from moments");
    const { status, stdout } = await convert("--key", "at");
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /in the way:[\s\S]*materialized view public\.m[\s\S]*primary key moments_pkey|in the way:[\s\S]*primary key moments_pkey[\s\S]*materialized view public\.m/,
    );
    expect(await nextStep(client, table)).toBe(undefined);
  });

  test("pauses before the swap, is taken up, keeps the old table until it is finished", async () => {
    const paused = await convert(
      "--key",
      "at",
      "--extend-keys",
      "--pause-before-swap",
      "--rate",
      "2000",
      "--batch",
      "100",
    );
    expect(paused).toMatchObject({
      status: 0,
      stderr: "",
      stdout: expect.stringContaining("paused. harness partitions convert public.moments goes on"),
    });
    expect([await nextStep(client, table), await kind()]).toEqual(["swap", "r"]);
    await client.query("insert into moments values (1000, now(), 1)");
    expect(await convert("--finish")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("[not-converted-yet]"),
    });
    expect(code((await convert("--period", "day")).stderr)).toBe("conversion-under-way");
    const { status, stdout } = await convert();
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("--finish drops it"),
    });
    expect([await rows(), await kind()]).toEqual([401, "p"]);
    expect(code((await convert("--rollback")).stderr)).toBe("partitions-refused");
    expect(await convert("--finish")).toMatchObject({ status: 0 });
    const { rows: left } = await client.query(
      "select nspname from pg_namespace where nspname like 'partitions\\_%'",
    );
    expect(left).toEqual([]);
    expect(await convert("--key", "at")).toMatchObject({
      status: 0,
      stdout: "public.moments is partitioned\n",
    });
    expect(code((await convert("--rollback")).stderr)).toBe("no-conversion");
    // kept up from now on
    expect((await client.query("select parent::text, period, premake from partitions.managed")).rows).toEqual(
      [{ parent: "moments", period: "month", premake: 3 }],
    );
  });

  test.each(["attach", "shadow"])("%s can be taken back until the swap", async (method) => {
    await convert("--key", "at", "--extend-keys", "--method", method, "--pause-before-swap");
    expect(await nextStep(client, table)).toBe("swap");
    expect(await convert("--rollback", "--json")).toMatchObject({ status: 0 });
    const { rows: left } = await client.query(
      `select (select count(*)::int from pg_namespace where nspname like 'partitions\\_%') as schemas, (select count(*)::int from pg_trigger where tgrelid = 'moments'::regclass) as triggers,
              (select count(*)::int from pg_constraint where conrelid = 'moments'::regclass and contype = 'c') as checks,
              (select count(*)::int from pg_index where indrelid = 'moments'::regclass) as indexes, (select count(*)::int from pg_class where relname like 'moments\\_p2%') as children,
              (select count(*)::int from partitions.managed) as managed`,
    );
    expect(left).toEqual([{ schemas: 0, triggers: 0, checks: 0, indexes: 1, children: 0, managed: 0 }]);
    expect(await convert("--key", "at", "--extend-keys", "--method", method)).toMatchObject({ status: 0 });
    expect([await rows(), await kind()]).toEqual([400, "p"]);
  });

  test("is not swapped if the copy differs", async () => {
    await convert("--key", "at", "--extend-keys", "--pause-before-swap");
    await client.query(
      "alter table moments disable trigger all; update moments set value = -1 where id = 5; alter table moments enable trigger all",
    );
    await client.query("select partitions.move_on($1, 'verify')", [table]);
    const { status, stderr } = await convert();
    expect({ status, code: code(stderr) }).toEqual({ status: 1, code: "copy-differs" });
    expect([await nextStep(client, table), await kind()]).toEqual(["verify", "r"]);
  });

  test("by week, in a time zone whose clocks change; by day of a date; by quarter of a timestamp", async () => {
    expect(
      await convert("--key", "at", "--extend-keys", "--period", "week", "--time-zone", "Europe/Zurich"),
    ).toMatchObject({ status: 0 });
    const weeks = await bounds();
    expect(weeks.length).toBeGreaterThan(15);
    for (const line of weeks) expect(line).toMatch(/^moments_p\d{4}w\d\d \d{4}-\d\d-\d\d (22|23):00$/);
    await removePartitions(client);
    await createMoments("date", 0);
    await client.query("update moments set at = current_date - id % 5");
    expect(
      await convert("--key", "at", "--extend-keys", "--period", "day", "--method", "shadow"),
    ).toMatchObject({ status: 0 });
    expect((await bounds()).every((line) => /^moments_p\d{4}_\d\d_\d\d .* 00:00$/.test(line))).toBe(true);
    await removePartitions(client);
    await createMoments("timestamp", 0);
    expect(
      await convert("--key", "at", "--extend-keys", "--period", "quarter", "--premake", "1"),
    ).toMatchObject({ status: 0 });
    expect((await bounds())[0]).toMatch(/^moments_legacy/);
    expect(await rows()).toBe(400);
  });

  test("does not queue in front of writers for long, and says who is in the way", async () => {
    await convert("--key", "at", "--extend-keys", "--pause-before-swap");
    await other.query("begin; select from moments");
    const child = spawn(
      process.execPath,
      [join(packageRoot, "dist/cli.js"), "partitions", "convert", "moments", "--database-url", url],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
    const waits: number[] = [];
    await vi.waitFor(() => expect(output).toContain("swaps"), { timeout: 20_000 });
    for (let n = 0; n < 40; n++) {
      const began = performance.now();
      await client.query("update moments set value = value + 1 where id = $1", [1 + n]);
      waits.push(performance.now() - began);
    }
    expect(await kind()).toBe("r");
    child.kill("SIGINT");
    expect(await closed).toBe(130);
    expect(output).toContain("Interrupted: what is done lasts");
    expect(Math.max(...waits)).toBeLessThan(2_000);
    await other.query("commit");
    expect(await convert()).toMatchObject({ status: 0 });
    expect([await rows(), await kind()]).toEqual([400, "p"]);
  });

  test("one at a time", async () => {
    await convert("--key", "at", "--extend-keys", "--pause-before-swap");
    await other.query("select pg_advisory_lock(1885434485, hashtext($1))", [table]);
    const { status, stderr } = await convert("--wait", "0.1");
    await other.query("select pg_advisory_unlock_all()");
    expect({ status, code: code(stderr) }).toEqual({ status: 2, code: "conversion-running" });
  }, 60_000);

  test("two begun at once: one does it, the other is told that it is under way", async () => {
    // whoever reads the table keeps the swap waiting until the other one has been told
    await other.query("begin; lock table moments in access share mode");
    const running = [convert("--key", "at", "--extend-keys"), convert("--key", "at", "--extend-keys")];
    expect(await Promise.race(running)).toMatchObject({ status: 2 });
    await other.query("commit");
    const both = await Promise.all(running);
    expect(both.map(({ status }) => status).sort()).toEqual([0, 2]);
    expect(code(both.find(({ status }) => status === 2)?.stderr ?? "")).toBe("conversion-running");
    expect([await rows(), await kind()]).toEqual([400, "p"]);
  }, 60_000);

  test("time-outs of the role on transactions do not stop a comparison that takes longer", async () => {
    await convert("--key", "at", "--extend-keys", "--pause-before-swap");
    const { rows: compare } = await client.query(
      "select pg_get_functiondef('partitions.compare(text)'::regprocedure) as text",
    );
    await client.query(
      compare[0].text.replace("counted := format(", "perform pg_sleep(1.5);\n  counted := format("),
    );
    await client.query("select partitions.move_on($1, 'verify')", [table]);
    const { rows: settings } = await client.query(
      "select name from pg_settings where name in ('transaction_timeout', 'statement_timeout', 'idle_session_timeout')",
    );
    const limited = new URL(url);
    limited.searchParams.set("options", settings.map(({ name }) => `-c ${name}=1s`).join(" "));
    const ended = await harness(["partitions", "convert", "moments", "--database-url", limited.href]);
    expect(ended).toMatchObject({ status: 0, stderr: "" });
    expect([await rows(), await kind()]).toEqual([400, "p"]);
  });

  test("attach, left alone until its bound comes near: the bound moves on before anything is refused", async () => {
    await convert("--key", "at", "--extend-keys", "--method", "attach", "--pause-before-swap");
    await client.query("update partitions.conversions set legacy_until = now() + interval '1 hour'");
    const { status } = await convert();
    expect(status).toBe(0);
    const [legacy, next] = await bounds();
    expect(legacy).toMatch(/^moments_legacy/);
    expect(next).toMatch(/01 00:00$/);
    expect([await rows(), await kind()]).toEqual([400, "p"]);
  });
});

test.each([
  [["--key", "nope"], 2, undefined],
  [[], 2, "which-key"],
  [["--key", "at", "--period", "fortnight"], 2, "bad-option"],
  [["--key", "at", "--time-zone", "Mars/Base"], 2, undefined],
  [["--key", "at", "--method", "magic"], 2, "bad-option"],
  [["--key", "at", "--rollback", "--finish"], 2, "bad-option"],
  [["--key", "at", "--lock-timeout", "x"], 2, "bad-option"],
  [["--key", "at", "--lock-timeout", "0"], 2, "bad-option"],
  [["--rollback"], 2, "no-conversion"],
])("bad options %j: one line", async (options, expected, wanted) => {
  const { status, stderr } = await convert(...(options as string[]));
  expect({ status, stderr }).toMatchObject({ status: expected });
  if (wanted) expect(code(stderr)).toBe(wanted);
  expect(stderr.split("\n").length).toBeLessThan(3);
});

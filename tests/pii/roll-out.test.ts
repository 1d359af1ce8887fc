import { beforeAll, expect, test } from "vitest";
import { harness } from "../support/cli.ts";
import { loadDemoData, testDatabase } from "../support/database.ts";
import { addRestaurant, as, newKey } from "./support/pii.ts";
import { placesOf } from "./support/plaintext.ts";

// The whole roll-out by the command line, from rows that nobody has sealed to a table without plaintext.
const { client, url } = await testDatabase();
const key = newKey();
const tenant = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const pii = (args: string[], env: Record<string, string> = { HARNESS_PII_KEY: key }) =>
  harness(["pii", ...args, "--database-url", url], { env });
const codeOf = (stderr: string) => /^harness: [^\n]+\[([a-z-]+)\]\n$/.exec(stderr)?.[1];

interface StatusReport {
  tables: {
    phase: string;
    next: string | null;
    opened: { checked: number; damaged: number; differing: number } | null;
    columns: { column: string; unsealed: number; plaintext: number; sealed: number }[];
  }[];
}
async function status(env?: Record<string, string>) {
  const { stdout } = await pii(["status", "--json"], env);
  const [table] = (JSON.parse(stdout) as StatusReport).tables;
  if (!table) throw new Error("no table");
  return table;
}
const unsealed = async () => (await status({})).columns.map((column) => column.unsealed);

beforeAll(async () => {
  await addRestaurant(client, tenant);
  await client.query("alter table public.customers disable trigger user");
  await as(client, { role: "app_background" }, () =>
    client.query(
      `insert into public.customers (restaurant_id, full_name, email, phone)
       select $1, 'Guest ' || n, 'Wanderer' || n || '@guests.example', '+39 010 555' || lpad(n::text, 4, '0') from generate_series(1, 300) as n`,
      [tenant],
    ),
  );
  await client.query("alter table public.customers enable trigger user");
});

test("status without a key counts, and opens nothing", async () => {
  const { status: code, stdout, stderr } = await pii(["status"], {});
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/phase expand since \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
  expect(stdout).toMatch(/^email +300 +300 +0 +300 +0 +0$/m);
  expect(stdout).toContain("next: harness pii backfill");
  expect(stdout).toContain("values were not opened");
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

test.each<[string, Record<string, string>, string]>([
  ["no key", {}, "missing-pii-key"],
  ["an empty one", { HARNESS_PII_KEY: "" }, "missing-pii-key"],
  ["one that is too short", { HARNESS_PII_KEY: "ab".repeat(31) }, "malformed-pii-key"],
  ["one that is no hexadecimal number", { HARNESS_PII_KEY: `${"ab".repeat(31)}xy` }, "malformed-pii-key"],
])("backfill with %s is refused before anything is done", async (_, env, code) => {
  const { status: exit, stdout, stderr } = await pii(["backfill"], env);
  expect({ exit, stdout, code: codeOf(stderr) }).toEqual({ exit: 2, stdout: "", code });
  if (env.HARNESS_PII_KEY) expect(stderr).not.toContain(env.HARNESS_PII_KEY);
  expect(await unsealed()).toEqual([300, 300]);
});

test.each([
  [["--batch", "0"], "bad-option"],
  [["--rate", "fast"], "bad-option"],
  [["--jobs", "99"], "bad-option"],
  [["--table", "bookings"], "unknown-table"],
])("backfill %j is refused", async (args, code) => {
  const { status: exit, stderr } = await pii(["backfill", ...args]);
  expect({ exit, code: codeOf(stderr) }).toEqual({ exit: 2, code });
});

test.each(["verified", "switched", "retiring", "retired"])("no phase is skipped: %s", async (phase) => {
  const { status: exit, stderr } = await pii(["advance", "--to", phase]);
  expect({ exit, code: codeOf(stderr) }).toEqual({ exit: 1, code: "phase-refused" });
  expect(stderr).toContain("backfilled comes first");
});

test("nor one whose condition does not hold", async () => {
  const { status: exit, stderr } = await pii(["advance"]);
  expect({ exit, code: codeOf(stderr) }).toEqual({ exit: 1, code: "phase-refused" });
  expect(stderr).toContain("300 values of email are not sealed");
});

test("--dry-run says what there is to do, without a key, and does nothing", async () => {
  const { status: exit, stdout } = await pii(["backfill", "--dry-run", "--batch", "100"], {});
  expect(exit).toBe(0);
  expect(stdout).toBe(
    "public.customers, phase expand: 300 values of email, 300 values of phone; at least 3 batches of 100 rows\nNothing was changed\n",
  );
  expect(await unsealed()).toEqual([300, 300]);
});

test("two guests whose addresses are the same once normalised: the others are done, and somebody is told", async () => {
  await client.query("alter table public.customers disable trigger user");
  await as(client, { role: "app_background" }, () =>
    client.query(
      "insert into public.customers (restaurant_id, full_name, email) values ($1, 'Twin', 'ｔｗｉｎ@guests.example'), ($1, 'Twin', 'twin@guests.example')",
      [tenant],
    ),
  );
  await client.query("alter table public.customers enable trigger user");
  const started = performance.now();
  const { status: exit, stdout, stderr } = await pii(["backfill", "--rate", "200", "--batch", "100"]);
  const seconds = (performance.now() - started) / 1000;
  expect({ exit, stderr }).toEqual({ exit: 1, stderr: "" });
  expect(stdout).toContain("301 rows done, 1 values are left");
  expect(stdout).toMatch(/aaaaaaaa-\S+ \/ [0-9a-f-]{36}: another row of the tenant .* \(23505\)/);
  expect(stdout).not.toContain("twin");
  // 301 rows at 200 a second: whatever the machine, the last batch begins a second after the first
  expect(seconds).toBeGreaterThan(1);
  await as(client, { role: "app_background" }, () =>
    client.query("delete from public.customers where full_name = 'Twin' and email_encrypted is null"),
  );
  expect((await pii(["backfill"])).status).toBe(0);
});

test("forward, back, and to the end", async () => {
  const advance = async (...args: string[]) => {
    const { status: exit, stdout, stderr } = await pii(["advance", ...args]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    return stdout.split("\n")[0];
  };
  expect(await advance()).toBe("public.customers: expand → backfilled");
  const keyless = await pii(["advance"], {});
  expect({ exit: keyless.status, code: codeOf(keyless.stderr) }).toEqual({
    exit: 2,
    code: "missing-pii-key",
  });
  const wrong = await pii(["advance"], { HARNESS_PII_KEY: newKey() });
  expect({ exit: wrong.status, code: codeOf(wrong.stderr) }).toEqual({ exit: 2, code: "wrong-pii-key" });
  expect((await status({})).phase).toBe("backfilled");
  expect(await advance()).toBe("public.customers: backfilled → verified");
  expect(await advance()).toBe("public.customers: verified → switched");
  expect(await advance("--back")).toBe("public.customers: switched → verified");
  expect(await advance()).toBe("public.customers: verified → switched");
  await expect(
    as(client, { role: "authenticated", tenant }, () => client.query("select email from public.customers")),
  ).rejects.toMatchObject({ code: "42501" });
  expect(await placesOf(client, "wanderer7@guests.example")).toEqual([
    "public.customers.email",
    "public.customers.email_normalized",
  ]);
  expect(await advance()).toBe("public.customers: switched → retiring");
  const backAgain = await pii(["advance", "--back"]);
  expect({ exit: backAgain.status, code: codeOf(backAgain.stderr) }).toEqual({
    exit: 1,
    code: "phase-refused",
  });
  const early = await pii(["advance"]);
  expect({ exit: early.status, code: codeOf(early.stderr) }).toEqual({ exit: 1, code: "phase-refused" });
  expect((await pii(["backfill"])).stdout).toBe("public.customers: 301 rows done, nothing is left\n");
  expect(await advance()).toBe("public.customers: retiring → retired");
  const last = await pii(["advance"]);
  expect({ exit: last.status, code: codeOf(last.stderr) }).toEqual({ exit: 2, code: "no-such-phase" });
});

test("at the end nothing stands in clear anywhere in the database, and everything opens", async () => {
  expect(await placesOf(client, "wanderer")).toEqual([]);
  expect(await placesOf(client, "0105550007")).toEqual([]);
  // the search finds what is there
  expect(await placesOf(client, "Guest 7")).toEqual(["public.customers.full_name"]);
  const { opened, columns, next } = await status();
  expect(opened).toMatchObject({ checked: 301, damaged: 0, differing: 0 });
  expect(columns.map(({ plaintext, sealed }) => [plaintext, sealed])).toEqual([
    [0, 301],
    [0, 300],
  ]);
  expect(next).toBeNull();
});

test("a value that was changed past the triggers makes status fail, by its row's id", async () => {
  await client.query("alter table public.customers disable trigger user");
  const { rows } = await as(client, { role: "app_background" }, () =>
    client.query(
      `update public.customers set email_encrypted = set_byte(email_encrypted, 20, get_byte(email_encrypted, 20) # 1)
        where full_name = 'Guest 7' returning id`,
    ),
  );
  await client.query("alter table public.customers enable trigger user");
  const { status: exit, stdout } = await pii(["status"]);
  expect(exit).toBe(1);
  expect(stdout).toContain("1 values damaged");
  expect(stdout).toContain(`${rows[0].id} email: the sealed value is damaged`);
});

test("another key is told from a damaged value", async () => {
  const { status: exit, stderr } = await pii(["status"], { HARNESS_PII_KEY: newKey() });
  expect({ exit, code: codeOf(stderr) }).toEqual({ exit: 2, code: "wrong-pii-key" });
});

test("a database without protected columns", async () => {
  const empty = await testDatabase("empty");
  const { status: exit, stderr } = await harness(["pii", "status", "--database-url", empty.url]);
  expect({ exit, code: codeOf(stderr) }).toEqual({ exit: 2, code: "pii-not-installed" });
});

test("the data keys alone: one command, from the beginning to the end", async () => {
  const demo = await testDatabase();
  await loadDemoData(demo.client, key);
  const { status: exit, stdout } = await harness(["pii", "rotate", "--database-url", demo.url], {
    env: { HARNESS_PII_KEY: key },
  });
  expect(exit).toBe(0);
  expect(stdout).toMatch(
    /^3 tenants got a new data key\nthe old data keys of 3 tenants are destroyed\npublic\.customers: 12 rows done, nothing is left\ncomplete\n$/,
  );
  const rows = await as(demo.client, { role: "app_background" }, () =>
    demo.client.query("select distinct pii.kid_of(email_encrypted) as kid from public.customers"),
  );
  expect(rows.rows).toEqual([{ kid: 2 }]);
});

test("the configured key alone touches no row", async () => {
  const demo = await testDatabase();
  await loadDemoData(demo.client, key);
  const nextKey = newKey();
  const rotate = (args: string[], env: Record<string, string>) =>
    harness(["pii", "rotate", ...args, "--database-url", demo.url], { env });
  const sealed = async () =>
    (
      await as(demo.client, { role: "app_background" }, () =>
        demo.client.query("select id, email_encrypted from public.customers order by id"),
      )
    ).rows;
  const before = await sealed();
  const begun = await rotate(["--wrapping-only"], { HARNESS_PII_KEY: key, HARNESS_PII_NEW_KEY: nextKey });
  expect(begun.stdout).toContain("3 data keys were wrapped under the new key too");
  const done = await rotate(["--finish"], { HARNESS_PII_KEY: nextKey });
  expect(done.stdout).toBe("the old configured key no longer opens 3 data keys\ncomplete\n");
  expect(await sealed()).toEqual(before);
  const old = await harness(["pii", "status", "--database-url", demo.url], { env: { HARNESS_PII_KEY: key } });
  expect(codeOf(old.stderr)).toBe("wrong-pii-key");
  const both = await rotate(["--finish"], { HARNESS_PII_KEY: nextKey, HARNESS_PII_NEW_KEY: key });
  expect(codeOf(both.stderr)).toBe("which-key");
});

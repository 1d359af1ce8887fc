import { beforeEach, expect, test } from "vitest";
import { harness } from "../support/cli.ts";
import { loadDemoData, type TestDatabase, testDatabase } from "../support/database.ts";
import { addRestaurant, as, newKey } from "./support/pii.ts";

// A key that is not the database's is refused by every command and every write, also for a tenant that has nothing sealed yet, and
// in the middle of a change.
const codeOf = (stderr: string) => /^harness: [^\n]+\[([a-z-]+)\]\n$/.exec(stderr)?.[1];
const fresh = "ffffffff-ffff-4fff-8fff-ffffffffffff";
let db: TestDatabase;
let key: string;
let next: string;
const wrong = newKey();
const pii = (args: string[], env: Record<string, string>) =>
  harness(["pii", ...args, "--database-url", db.url], { env });
const configured = async () =>
  (
    await as(db.client, { role: "app_background" }, () =>
      db.client.query(
        "select count(distinct wrapped_under)::int as now, count(distinct next_wrapped_under)::int as next from pii.key_status()",
      ),
    )
  ).rows[0];

beforeEach(async () => {
  db = await testDatabase();
  key = newKey();
  next = newKey();
  await loadDemoData(db.client, key);
  await addRestaurant(db.client, fresh);
  await db.client.query("alter table public.customers disable trigger user");
  await as(db.client, { role: "app_background" }, () =>
    db.client.query(
      "insert into public.customers (restaurant_id, full_name, email) values ($1, 'New', 'new@guests.example')",
      [fresh],
    ),
  );
  await db.client.query("alter table public.customers enable trigger user");
});

test.each([
  ["status"],
  ["backfill"],
  ["rotate"],
  ["rotate", "--finish"],
  ["export", "--customer", fresh],
  ["erase", "--customer", fresh, "--yes"],
  ["find", "--customer", fresh],
  ["advance"],
])("pii %s with another key", async (...args) => {
  const { status, stdout, stderr } = await pii(args, { HARNESS_PII_KEY: wrong });
  expect({ status, stdout, code: codeOf(stderr) }).toEqual({ status: 2, stdout: "", code: "wrong-pii-key" });
  expect(stderr).not.toContain(wrong);
  expect(await configured()).toEqual({ now: 1, next: 0 });
});

test("the first write of a new tenant under another key is refused, under the right one it is not", async () => {
  const add = (theKey: string) =>
    as(db.client, { role: "authenticated", tenant: fresh, key: theKey }, () =>
      db.client.query(
        "insert into public.customers (restaurant_id, full_name, email) values ($1, 'A', 'a@guests.example')",
        [fresh],
      ),
    );
  await expect(add(wrong)).rejects.toMatchObject({ code: "PI003" });
  await add(key);
  expect(await configured()).toEqual({ now: 1, next: 0 });
});

test("a database from before there were fingerprints: its data keys tell, and the fingerprint comes with the next tenant", async () => {
  await db.client.query(
    "alter table pii.configured_keys no force row level security, disable row level security",
  );
  await db.client.query("delete from pii.configured_keys");
  await db.client.query(
    "alter table pii.configured_keys enable row level security, force row level security",
  );
  expect(codeOf((await pii(["backfill"], { HARNESS_PII_KEY: wrong })).stderr)).toBe("wrong-pii-key");
  expect((await pii(["backfill"], { HARNESS_PII_KEY: key })).status).toBe(0);
  expect(codeOf((await pii(["status"], { HARNESS_PII_KEY: wrong })).stderr)).toBe("wrong-pii-key");
  expect(await configured()).toEqual({ now: 1, next: 0 });
});

test("another next key in the middle of a change is refused; the change goes on with the first, and ends with one key", async () => {
  expect((await pii(["backfill"], { HARNESS_PII_KEY: key })).status).toBe(0);
  const rotate = (nextKey: string, ...args: string[]) =>
    pii(["rotate", ...args], { HARNESS_PII_KEY: key, HARNESS_PII_NEW_KEY: nextKey });
  expect((await rotate(next, "--wrapping-only")).status).toBe(0);
  const mistyped = await rotate(wrong, "--wrapping-only");
  expect({ status: mistyped.status, code: codeOf(mistyped.stderr) }).toEqual({
    status: 1,
    code: "rotation-refused",
  });
  expect(await configured()).toEqual({ now: 1, next: 1 });
  expect((await rotate(next)).status).toBe(0);
  expect(codeOf((await pii(["rotate", "--finish"], { HARNESS_PII_KEY: wrong })).stderr)).toBe(
    "wrong-pii-key",
  );
  expect((await pii(["rotate", "--finish"], { HARNESS_PII_KEY: next })).status).toBe(0);
  expect(await configured()).toEqual({ now: 1, next: 0 });
  expect(codeOf((await pii(["status"], { HARNESS_PII_KEY: key })).stderr)).toBe("wrong-pii-key");
  expect((await pii(["status"], { HARNESS_PII_KEY: next })).status).toBe(0);
});

test("a next key that is lost before anybody uses it: the change is taken back", async () => {
  expect((await pii(["backfill"], { HARNESS_PII_KEY: key })).status).toBe(0);
  await pii(["rotate", "--wrapping-only"], { HARNESS_PII_KEY: key, HARNESS_PII_NEW_KEY: next });
  const { rows } = await as(db.client, { role: "app_background", key }, () =>
    db.client.query("select pii.forget_next_key() as keys"),
  );
  expect(rows).toEqual([{ keys: 4 }]);
  expect(codeOf((await pii(["status"], { HARNESS_PII_KEY: next })).stderr)).toBe("wrong-pii-key");
  const another = await pii(["rotate"], { HARNESS_PII_KEY: key, HARNESS_PII_NEW_KEY: newKey() });
  expect({ status: another.status, stderr: another.stderr }).toEqual({ status: 0, stderr: "" });
});

test("two at once: backfills, rotations, and a rotation beside a backfill come to the same end", async () => {
  const env = { HARNESS_PII_KEY: key };
  for (const commands of [
    [["backfill"], ["backfill"]],
    [["rotate"], ["rotate"]],
    [["rotate"], ["backfill"]],
  ]) {
    const runs = await Promise.all(commands.map((command) => pii(command, env)));
    for (const { status, stderr } of runs) {
      // who comes second may find the keys of a rotation gone that it had begun to finish
      expect([0, 1]).toContain(status);
      if (status === 1) expect(codeOf(stderr)).toBe("rotation-refused");
    }
    expect((await pii(["rotate"], env)).status).toBe(0);
  }
  const { status, stdout } = await pii(["status", "--json"], env);
  const [table] = JSON.parse(stdout).tables;
  expect({
    status,
    opened: table.opened.damaged + table.opened.differing,
    checked: table.opened.checked,
  }).toEqual({
    status: 0,
    opened: 0,
    checked: 13,
  });
});

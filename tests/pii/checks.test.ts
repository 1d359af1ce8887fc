import { beforeAll, expect, test } from "vitest";
import { loadConfig, requireIsolation } from "../../harness/config/load.ts";
import { findCheck } from "../../harness/core/results.ts";
import { loadModel } from "../../harness/isolation/model.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { loadChecks } from "../../harness/verify/checks.ts";
import { verify } from "../../harness/verify/engine.ts";
import type { Depth } from "../../harness/verify/observe.ts";
import { harness } from "../support/cli.ts";
import { loadDemoData, testDatabase } from "../support/database.ts";
import { as, newKey } from "./support/pii.ts";

// What the fixtures of the checks cannot say: with and without the key, with a wrong one, on a protected branch.
const { client, url } = await testDatabase();
const key = newKey();

beforeAll(() => loadDemoData(client, key));

async function answers(
  codes: string[],
  { piiKey, depth = "probe" }: { piiKey?: string; depth?: Depth } = {},
) {
  const reader = await connect(url, { purpose: "verify" });
  try {
    const model = await loadModel(reader, requireIsolation(loadConfig()));
    const checks = codes.flatMap((code) => findCheck(loadChecks(), code) ?? []);
    const { results } = await verify(reader, model, { checks, depth, secrets: { HARNESS_PII_KEY: piiKey } });
    return results.map(({ code, object, outcome, detail }) => ({ code, object, outcome, detail }));
  } finally {
    await reader.end();
  }
}
const h1004 = async (options?: Parameters<typeof answers>[1]) => (await answers(["H1004"], options))[0];

test("without the key nothing is opened, and it says so", async () => {
  expect(await h1004()).toEqual({
    code: "H1004",
    object: "public.customers",
    outcome: "pass",
    detail: "12 rows have the form and a live key; none was opened, since HARNESS_PII_KEY is not set",
  });
});

test("with the key values are opened", async () => {
  expect(await h1004({ piiKey: key })).toMatchObject({
    outcome: "pass",
    detail: expect.stringMatching(/^12 rows have the form and a live key, 21 of their values opened$/),
  });
});

test("with another key it is skipped: one was given, so an answer was expected", async () => {
  expect(await h1004({ piiKey: newKey() })).toMatchObject({
    outcome: "skipped",
    detail: expect.stringContaining("does not open 3 live data keys"),
  });
  const { status } = await harness(["verify", "--database-url", url], {
    env: { HARNESS_PII_KEY: newKey() },
  });
  expect(status).toBe(3);
});

test("an ordinary verify needs no key", async () => {
  expect((await harness(["verify", "--database-url", url])).status).toBe(0);
});

test("the rows of a protected branch are left alone", async () => {
  const found = await answers(["H1001", "H1003", "H1004"], { depth: "explain", piiKey: key });
  expect(found.map(({ code, outcome }) => `${code} ${outcome}`)).toEqual([
    "H1001 pass",
    "H1003 skipped",
    "H1004 skipped",
  ]);
});

test("the session is itself again afterwards, for the checks that follow", async () => {
  const found = await answers(["H1003", "H1004", "4b", "H904"], { piiKey: key });
  expect(found.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
  expect(found.some(({ code }) => code === "4b")).toBe(true);
});

test("a flipped bit is seen with the key, and only with it", async () => {
  await client.query("alter table public.customers disable trigger user");
  const { rows } = await as(client, { role: "app_background" }, () =>
    client.query(
      `update public.customers set phone_encrypted = set_byte(phone_encrypted, 25, get_byte(phone_encrypted, 25) # 4)
        where id = (select min(id::text)::uuid from public.customers where phone_encrypted is not null) returning id`,
    ),
  );
  await client.query("alter table public.customers enable trigger user");
  expect(await h1004()).toMatchObject({ outcome: "pass" });
  const found = await h1004({ piiKey: key });
  expect(found).toMatchObject({ outcome: "fail", detail: expect.stringContaining("1 values do not open") });
  expect(found?.detail).toContain(rows[0].id);
  // the guest of the demo data that it is stays unnamed
  expect(found?.detail).not.toMatch(/@|\+\d/);
});

test("a registry that is locked leaves the checks that read it undecided, and no others", async () => {
  const holder = await connect(url, { purpose: "vacuum full" });
  await holder.query("begin; lock table pii.protected_tables in access exclusive mode");
  const found = await answers(["H1002", "H1004", "H101"]).finally(() => holder.end());
  expect(found.filter(({ code }) => code !== "H101")).toEqual(
    ["H1002", "H1004"].map((code) => ({
      ...{ code, object: "database", outcome: "skipped" },
      detail: "another session holds a lock on a table that it has to read: run verify again",
    })),
  );
  expect(new Set(found.filter(({ code }) => code === "H101").map(({ outcome }) => outcome))).toEqual(
    new Set(["pass"]),
  );
});

import { describe, expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { isTransactionPooler } from "../../harness/targets/session/pooler.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { hasPgbouncer, pooledUrl } from "../support/pgbouncer.ts";
import { projectWith } from "../support/project.ts";

const asked = async (url: string, others = 0) => {
  const client = await connect(url, { purpose: "test" });
  const idle = await Promise.all(Array.from({ length: others }, () => connect(url, { purpose: "test" })));
  for (const one of idle) await one.query("select 1");
  try {
    return await isTransactionPooler(client, url);
  } finally {
    for (const one of [client, ...idle]) await one.end();
  }
};

test("a server is no pooler", async () => {
  const { url } = await testDatabase("empty");
  expect(await asked(url)).toBe(false);
  expect(await asked(url, 2)).toBe(false);
});

describe.skipIf(!hasPgbouncer)("PgBouncer on a port that does not say so", () => {
  test("is told by its answers, and nothing that it would break begins", async () => {
    const { url, client } = await testDatabase("empty");
    const pooled = await pooledUrl(url, "transaction");
    expect(await asked(pooled)).toBe(true);
    expect(await asked(pooled, 3)).toBe(true);
    const root = projectWith({ "1-one": "create table public.a (i int);" });
    for (const command of [
      ["apply"],
      ["commit", "-m", "x"],
      ["partitions", "convert", "public.t", "--key", "at"],
      ["partitions", "maintain"],
      ["outbox", "reindex"],
    ]) {
      const { status, stderr } = await harness(command, { cwd: root, env: { DATABASE_URL: pooled } });
      expect(stderr).toMatch(/127\.0\.0\.1:\d+ is a transaction pooler.*\[pooled-url\]/);
      expect(status).toBe(2);
    }
    const { rows } = await client.query("select to_regnamespace('graphile_migrate') is null as untouched");
    expect(rows).toEqual([{ untouched: true }]);
  });

  test("that lends whole sessions is let through", async () => {
    const { url } = await testDatabase("empty");
    const pooled = await pooledUrl(url, "session");
    expect(await asked(pooled)).toBe(false);
    // no session is left for a second client
    expect(await asked(pooled, 1)).toBe(false);
  });
});

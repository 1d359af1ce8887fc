import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";

// As somebody has it who installed the package elsewhere: no configuration in reach.
const folder = () => mkdtempSync(join(tmpdir(), "harness-init-"));
const schema = (name: string) =>
  readFileSync(join(packageRoot, "tests/discovery/schemas", `${name}.sql`), "utf8");

const known = await testDatabase("empty");
await known.client.query(schema("two-columns"));
const empty = await testDatabase("empty");

test("verify without a configuration says what it inferred, and verifies that", async () => {
  const { status, stdout, stderr } = await harness(["verify", "--database-url", known.url, "--json"], {
    cwd: folder(),
  });
  expect(stderr).toContain("high confidence: 3 of 6 tenant tables have policies that scope rows by");
  expect(stderr).toContain("the setting app.org_id");
  expect(JSON.parse(stdout).model.tables).toContainEqual({
    table: "public.pages",
    tenantColumn: "workspace_id",
    type: "bigint",
  });
  expect(status).toBe(0);
});

test("verify finds the hole of a database that it has never seen", async () => {
  const { url, client } = await testDatabase("empty");
  await client.query(`${schema("setting-uuid")}; alter table invoices disable row level security`);
  const { status, stdout } = await harness(["verify", "--database-url", url, "--json"], { cwd: folder() });
  const failed = JSON.parse(stdout).results.filter(
    (result: { outcome: string }) => result.outcome === "fail",
  );
  expect(failed.map((result: { object: string }) => result.object)).toContain("public.invoices");
  expect(status).toBe(1);
});

test("init writes a configuration that verify takes", async () => {
  const cwd = folder();
  const { status, stderr } = await harness(["init", "--database-url", known.url], { cwd });
  expect(status).toBe(0);
  expect(stderr).toContain("harness.config.json");
  const written = JSON.parse(readFileSync(join(cwd, "harness.config.json"), "utf8"));
  expect(written.isolation).toMatchObject({ tenantColumn: "org_id", context: { setting: "app.org_id" } });
  const verified = await harness(["verify", "--database-url", known.url], { cwd });
  expect(verified.stderr).not.toContain("inferred");
  expect(verified.status).toBe(0);
});

test("init keeps a file that is there, and with --force what it says about other things", async () => {
  const cwd = folder();
  const path = join(cwd, "harness.config.json");
  const before = JSON.stringify({
    protected: ["production"],
    isolation: { tenantColumn: "x", tenantRoles: ["y"], context: { claim: "z" } },
  });
  writeFileSync(path, before);
  const refused = await harness(["init", "--database-url", known.url], { cwd });
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain("config-exists");
  expect(readFileSync(path, "utf8")).toBe(before);
  expect((await harness(["init", "--database-url", known.url, "--force"], { cwd })).status).toBe(0);
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
    protected: ["production"],
    isolation: { tenantColumn: "org_id" },
  });
});

test("init --stdout prints it and writes nothing", async () => {
  const cwd = folder();
  const { status, stdout } = await harness(["init", "--database-url", known.url, "--stdout"], { cwd });
  expect(status).toBe(0);
  expect(JSON.parse(stdout).isolation.tenantRoles).toEqual(["disc_two_app"]);
  expect(() => readFileSync(join(cwd, "harness.config.json"))).toThrow();
});

test.each(["init", "verify"])("%s says what to do where there is nothing to go by", async (command) => {
  const { status, stderr } = await harness([command, "--database-url", empty.url], { cwd: folder() });
  expect(status).toBe(2);
  expect(stderr).toContain("no-isolation-model");
  expect(stderr).toContain("docs/configuration.md");
});

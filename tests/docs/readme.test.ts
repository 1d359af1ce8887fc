import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { loadDemoData } from "../support/database.ts";

// What the README shows is what one gets.
const state = mkdtempSync(join(tmpdir(), "harness-readme-"));
chmodSync(state, 0o755);
const env = { HARNESS_STATE: state };
const readme = readFileSync(join(packageRoot, "README.md"), "utf8");
// Numbers of checks and milliseconds change; what is said does not.
const timeless = (text: string) =>
  text
    .replace(/PostgreSQL [\d.]+/g, "PostgreSQL …")
    .replace(/\b\d+(\.\d+)?( checks?)?\b/g, "N")
    .replace(/ +/g, " ");

let url = "";
beforeAll(async () => {
  await harness(["setup"], { env });
  await harness(["apply"], { env });
  url = (await harness(["branch", "url", "main"], { env })).stdout.trim();
  const client = await connect(url, { purpose: "test" });
  await loadDemoData(client);
  await client.end();
});
afterAll(async () => {
  await harness(["branch", "stop", "main"], { env });
  await harness(["branch", "delete", "main"], { env });
  rmSync(state, { recursive: true, force: true });
});

test("the output of an isolated database", async () => {
  const { stdout } = await harness(["verify"], { env });
  expect(timeless(readme)).toContain(timeless(stdout).trim());
});

test("the output of a broken one", async () => {
  const client = await connect(url, { purpose: "test" });
  await client.query("alter table bookings disable row level security");
  await client.end();
  const { stdout, status } = await harness(["verify"], { env });
  expect(status).toBe(1);
  expect(timeless(readme)).toContain(timeless(stdout.slice(stdout.indexOf("✗ public"))).trim());
});

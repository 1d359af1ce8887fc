import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { applyMigrations } from "../../harness/migrate/apply.ts";
import { applySetup } from "../../harness/setup/setup.ts";
import { ownerUrl } from "../../harness/targets/local/branch-url.ts";
import { createBranch, deleteBranch } from "../../harness/targets/local/cluster.ts";
import { acquireLease } from "../../harness/targets/local/lease.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { loadDemoData } from "../support/database.ts";
import { verifyDatabase } from "../support/verify.ts";

// A server in recovery, as a hot standby is: made from a primary that was shut down cleanly.
const state = mkdtempSync(join(tmpdir(), "harness-standby-"));
chmodSync(state, 0o755);
const { branch } = await createBranch(state, "standby", { durable: false });
afterAll(async () => {
  await deleteBranch(state, "standby");
  rmSync(state, { recursive: true, force: true });
});

test("verify works on a hot standby, and finds what is broken there", async () => {
  const primary = await acquireLease(branch);
  const url = ownerUrl(branch, primary.server.port);
  const client = await connect(url, { purpose: "test" });
  await applySetup(client);
  await applyMigrations(client, { root: packageRoot, url });
  await loadDemoData(client);
  await client.query("alter table public.customers disable row level security");
  await client.end();
  await primary.release();

  const signal = join(branch.data, "standby.signal");
  writeFileSync(signal, "");
  const { uid, gid } = statSync(branch.data);
  chownSync(signal, uid, gid);

  const standby = await acquireLease(branch);
  const { failed, undecided, exitCode } = await verifyDatabase(ownerUrl(branch, standby.server.port));
  await standby.release();
  expect(failed).toEqual([
    ...["4c", "H101", "H201", "H202", "H203", "H204", "H205"].map((code) => `${code} public.customers`),
    "H501 public.customers_secure_view",
  ]);
  expect(undecided).toEqual([]);
  expect(exitCode).toBe(1);
});

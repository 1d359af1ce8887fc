import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { branchNames } from "../../harness/targets/local/branch-folder.ts";
import { createBranch } from "../../harness/targets/local/cluster.ts";
import { ensureRunning } from "../../harness/targets/local/server.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { type TemporaryState, temporaryState } from "./support/state.ts";

let state: TemporaryState;
beforeAll(() => {
  state = temporaryState();
});
afterAll(() => state.remove());

const folders = () => readdirSync(join(state.folder, "branches"));

test("a throw-away branch runs without durability, is not listed, and leaves nothing behind", async () => {
  const branch = await createThrowawayBranch();
  const client = new pg.Client(branch.ownerUrl);
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query(
    "select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes')",
  );
  expect(rows.map(({ setting }) => setting)).toEqual(["off", "off", "off"]);
  expect(branchNames(state.folder)).toEqual([]);
  expect(folders()).toHaveLength(1);
  await Promise.all([branch.stop(), branch.stop()]);
  expect(folders()).toEqual([]);
  await branch.stop();
});

test("a named branch is durable", async () => {
  const { branch } = await createBranch(state.folder, "durable");
  expect(branch.record.durable).toBe(true);
});

test("one that a killed run left running is cleared away by a later run, one still in use is not", async () => {
  const { branch: orphan } = await createBranch(state.folder, ".throwaway-orphan", { durable: false });
  await ensureRunning(orphan);
  const used = await createThrowawayBranch();
  const longAgo = new Date(Date.now() - 3_600_000);
  for (const name of folders()) utimesSync(join(state.folder, "branches", name), longAgo, longAgo);
  const later = await createThrowawayBranch();
  expect(folders()).not.toContain(".throwaway-orphan");
  const client = new pg.Client(used.ownerUrl);
  await client.connect();
  await client.end();
  await later.stop();
  await used.stop();
});

import { afterAll, afterEach, expect, test } from "vitest";
import { migratedTemplate } from "../../harness/command-line/template.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { verifyDatabase } from "../support/verify.ts";

// Roles belong to the cluster, so that these tests need one of their own.
const branch = await createThrowawayBranch({ flavor: "neon" });
const admin = await connect(branch.ownerUrl, { purpose: "test" });
const url = urlOf(branch.ownerUrl, await migratedTemplate(admin, branch.ownerUrl, packageRoot));

const owner = await connect(url, { purpose: "test" });
const superuser = await connect(branch.superuserUrl, { purpose: "test" });

afterEach(async () => {
  await superuser.query("alter role authenticated nobypassrls; revoke neon_superuser from authenticated");
  await admin.query("grant authenticated, anonymous to neondb_owner with set true");
});
afterAll(async () => {
  await admin.end();
  await owner.end();
  await superuser.end();
  await branch.stop();
});

test("nothing is wrong with the roles to begin with", async () => {
  expect((await verifyDatabase(url)).failed).toEqual([]);
});

test("4a fails for a tenant role with BYPASSRLS, and its SQL mends it", async () => {
  await admin.query("alter role authenticated bypassrls");
  const { failed, exitCode, fixes } = await verifyDatabase(url);
  expect(failed).toContain("4a authenticated");
  expect(failed).toContain("H201 public.bookings");
  expect(exitCode).toBe(1);
  await owner.query(fixes);
  expect((await verifyDatabase(url)).failed).toEqual([]);
});

test("4a fails for a tenant role that can SET ROLE to one with BYPASSRLS", async () => {
  await superuser.query("grant neon_superuser to authenticated");
  const { failed, fixes } = await verifyDatabase(url);
  expect(failed).toEqual(["4a authenticated"]);
  await superuser.query(fixes);
  expect((await verifyDatabase(url)).failed).toEqual([]);
});

test("4b fails for a membership without SET, names the cure, and no probe passes as that role", async () => {
  await admin.query("grant authenticated to neondb_owner with set false, inherit false");
  const { failed, exitCode, results, fixes } = await verifyDatabase(url);
  expect(failed).toEqual(["4b authenticated"]);
  expect(exitCode).toBe(1);
  expect(results.find(({ code, outcome }) => code === "4b" && outcome === "fail")).toMatchObject({
    detail: expect.stringContaining("without the SET option"),
    fix: "grant authenticated to neondb_owner with set true;",
  });
  await owner.query(fixes);
  expect((await verifyDatabase(url)).failed).toEqual([]);
});

test("with no tenant role in reach every probe is skipped, with the reason", async () => {
  await admin.query("grant authenticated, anonymous to neondb_owner with set false");
  const { undecided, results } = await verifyDatabase(url);
  expect(undecided).toContain("4c database");
  const probes = results.filter(({ code }) => code === "4c" || code.startsWith("H2"));
  expect(probes.map(({ outcome }) => outcome)).toEqual(probes.map(() => "skipped"));
  expect(probes[0]?.detail).toMatch(/SET ROLE/);
});

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { projectCopy } from "../support/project.ts";

// Tests run on what is written, committed or not.
const { url } = await testDatabase("empty");
const mask = "policies/pii/mask.sql";
const pii = ["pii-normalise.sql", "pii-views.sql"].map((file) => `tests/pgtap/${file}`);

test("a mask that masks nothing turns its tests red before it is committed", async () => {
  const { root, edit } = projectCopy();
  const run = () => harness(["test", ...pii, "--database-url", url], { cwd: root });
  const before = await run();
  expect(before).toMatchObject({ status: 0, stderr: "" });
  expect(before.stdout).not.toContain("not committed");

  edit(mask, /^return left\(folded, 1\) .*$/m, "return folded;");
  const after = await run();
  expect(after.status).toBe(1);
  expect(after.stdout).toContain(`# not committed: ${mask}\n`);
  expect(after.stdout).toMatch(/not ok .*mask/);
});

test("current.sql is applied before the packs that may need it", async () => {
  const { root, append } = projectCopy();
  writeFileSync(join(root, "current.sql"), "create table public.drafts (id int);\n");
  append("policies/allocator/records.sql", "comment on table public.drafts is 'a draft';");
  const file = join(root, "tests/pgtap/drafts.sql");
  writeFileSync(
    file,
    "begin; select plan(1); select is(obj_description('public.drafts'::regclass), 'a draft'); select * from finish(); rollback;\n",
  );
  const { status, stdout } = await harness(["test", file, "--database-url", url], { cwd: root });
  expect(stdout).toContain("# not committed: current.sql, policies/allocator/records.sql\n");
  expect({ status, stdout }).toMatchObject({ status: 0 });
});

test("a file that does not run is named with its line", async () => {
  const { root, append } = projectCopy();
  append("policies/tenancy/claim.sql", "\nselekt 'ö';");
  const { status, stderr } = await harness(["test", ...pii, "--database-url", url], { cwd: root });
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /policies\/tenancy\/claim\.sql, line \d+: syntax error at or near "selekt" \(42601\).*\[policy-failed\]/,
  );
});

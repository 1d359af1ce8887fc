import { type ChildProcess, spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { projectCopy } from "../support/project.ts";

const { client, url } = await testDatabase("empty");
const project = projectCopy();
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

/** `harness dev`, and what it says until a line matches. */
function startDev() {
  const child = spawn(process.execPath, [join(packageRoot, "dist", "cli.js"), "dev", "--database-url", url], {
    cwd: project.root,
    env: { ...process.env, NO_COLOR: "1" },
  });
  children.push(child);
  let said = "";
  let look = () => {};
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      said += chunk;
      look();
    });
  const until = (pattern: RegExp) =>
    new Promise<string>((resolve) => {
      look = () => {
        const match = pattern.exec(said);
        if (!match) return;
        const upto = said.slice(0, match.index + match[0].length);
        said = said.slice(upto.length);
        resolve(upto);
      };
      look();
    });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, until, ended };
}

const mask = "policies/pii/mask.sql";
const masked = "return '+***' || right(folded, 2);";

test("each save is applied to a scratch copy, and the tests that it touches are run", async () => {
  const { child, until, ended } = startDev();
  await until(/No test touches what changed\n/);
  expect((await harness(["dev", "--once", "--database-url", url], { cwd: project.root })).stderr).toContain(
    "[dev-running]",
  );

  project.edit(mask, masked, "return folded;");
  const red = await until(/(\d+) test files: \d+ passed, (\d+) failed\n/);
  expect(red).toContain("1 changed files of policies/");
  expect(red).toContain("\n  function pii.mask_phone(folded text)\n");
  expect(red).toContain("not ok");
  expect(red).not.toMatch(/Subtest: .*(outbox|partitions|confirm)/);

  project.edit(mask, "return folded;", "return folded");
  project.append(mask, "selekt;");
  expect(await until(/\[policy-failed\]\n/)).toContain("policies/pii/mask.sql, line ");

  project.edit(mask, "\nselekt;\n", "\n");
  project.edit(mask, "return folded", masked);
  // What failed before is run again, though nothing of the scratch copy differs from the branch any more.
  expect(await until(/\d+ test files: \d+ passed, \d+ failed\n/)).toMatch(/ 0 failed\n$/);

  const added = join(project.root, "tests/pgtap/mine.sql");
  writeFileSync(added, "begin; select plan(1); select ok(true); select * from finish(); rollback;\n");
  await until(/1 test files: 1 passed, 0 failed\n/);

  child.kill("SIGINT");
  expect(await ended).toBe(130);
  const { rows } = await client.query("select from pg_database where datname = 'harness_dev'");
  expect(rows).toEqual([]);
  rmSync(added);
});

test("--once says by its exit code whether the tests pass; current.sql counts", async () => {
  const once = () => harness(["dev", "--once", "--database-url", url], { cwd: project.root });
  writeFileSync(
    join(project.root, "current.sql"),
    "alter table public.feature_flags no force row level security;\n",
  );
  const red = await once();
  expect(red.stdout).toContain("current.sql, applied in ");
  expect(red.stdout).toContain("\n  table public.feature_flags\n");
  expect(red.status).toBe(1);
  writeFileSync(join(project.root, "current.sql"), "-- nothing\n");
  expect(await once()).toMatchObject({ status: 0, stderr: "" });
});

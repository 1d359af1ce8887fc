import { spawnSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { hashesOf, writtenHashes } from "../../harness/migrate/hashes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// Committed migrations never change. Who edits one, and makes the hashes of all that follow anew, has to edit migrations/HASHES too;
// and what main has of that file is the beginning of what a branch has.

test("migrations/HASHES has a line for each committed migration, and they are what it says", () => {
  expect(hashesOf(packageRoot)).toEqual(writtenHashes(packageRoot));
});

/** migrations/HASHES where this branch left main, or on main itself one commit before; null where git can't tell. */
function hashesOfMain(root: string): string | null {
  const git = (...args: string[]) => {
    const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
    return status === 0 ? stdout : null;
  };
  const left = git("merge-base", "HEAD", "origin/main");
  const base = left === null || left === git("rev-parse", "HEAD") ? "HEAD^" : left.trim();
  return git("show", `${base}:migrations/HASHES`);
}

const ofMain = hashesOfMain(packageRoot);

test.skipIf(ofMain === null)("no line that main has was changed or taken away", () => {
  expect(`${writtenHashes(packageRoot).join("\n")}\n`.startsWith(ofMain as string)).toBe(true);
});

test("what main has is found on a branch, and on main", () => {
  const root = temporaryFolder();
  const run = (...args: string[]) => {
    const identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
    expect(spawnSync("git", [...identity, ...args], { cwd: root, encoding: "utf8" })).toMatchObject({
      status: 0,
    });
  };
  const commit = (text: string) => {
    writeFileSync(join(root, "migrations", "HASHES"), text);
    run("add", ".");
    run("commit", "-qm", "m");
  };
  cpSync(join(packageRoot, "migrations"), join(root, "migrations"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  run("init", "-q", "-b", "main");
  commit("one\n");
  commit("one\ntwo\n");
  expect(hashesOfMain(root)).toBe("one\n");
  run("update-ref", "refs/remotes/origin/main", "HEAD");
  expect(hashesOfMain(root)).toBe("one\n");
  run("checkout", "-qb", "other");
  commit("one\nother\n");
  commit("one\nother\nmore\n");
  expect(hashesOfMain(root)).toBe("one\ntwo\n");
});

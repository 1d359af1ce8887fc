import { mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { assertBranchName } from "../../harness/targets/local/branch-folder.ts";
import { makeState, stateFolder } from "../../harness/targets/local/state.ts";

let project = "";
const before = process.cwd();
beforeEach(() => {
  project = realpathSync(mkdtempSync(join(tmpdir(), "harness-project-")));
  writeFileSync(join(project, "harness.config.json"), "{}");
  process.chdir(project);
});
afterEach(() => {
  process.chdir(before);
  delete process.env.HARNESS_STATE;
  rmSync(project, { recursive: true });
});

test("state lives in the project, or as root where other users can reach it", () => {
  const expected =
    process.getuid?.() === 0
      ? new RegExp(`^/var/lib/harness/${basename(project)}-[0-9a-f]{8}$`)
      : new RegExp(`^${project}/\\.harness$`);
  expect(stateFolder()).toMatch(expected);
});

test("HARNESS_STATE decides if it is set, and links in it are resolved", () => {
  symlinkSync(project, join(project, "link"));
  process.env.HARNESS_STATE = join(project, "link", "not-yet", "there");
  expect(stateFolder()).toBe(join(project, "not-yet", "there"));
});

test("a new state can be entered by other users whatever the umask, and stays out of version control", () => {
  const state = join(project, "deep", "state");
  const umask = process.umask(0o077);
  try {
    makeState(state);
  } finally {
    process.umask(umask);
  }
  for (const folder of ["deep", "deep/state", "deep/state/servers", "deep/state/branches"]) {
    expect(statSync(join(project, folder)).mode & 0o777, folder).toBe(0o755);
  }
  expect(statSync(join(state, ".gitignore")).isFile()).toBe(true);
});

test("a state that cannot be made is reported with the cure", () => {
  writeFileSync(join(project, "file"), "");
  expect(() => makeState(join(project, "file", "state"))).toThrowError(
    expect.objectContaining({ code: "state-not-writable", hint: expect.stringContaining("HARNESS_STATE") }),
  );
});

test.each(["main", "preview-123", "a", "0.x_y", "a".repeat(63)])("%s is a branch name", (name) => {
  expect(() => assertBranchName(name)).not.toThrow();
});

test.each(["", ".", "..", "../x", "a/b", "a\\b", "-x", ".hidden", "Main", "a b", "ä", "a\n", "a".repeat(64)])(
  "%j is no branch name",
  (name) => {
    expect(() => assertBranchName(name)).toThrowError(expect.objectContaining({ code: "bad-branch-name" }));
  },
);

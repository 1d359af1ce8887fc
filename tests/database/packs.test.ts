import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { readPacks } from "../../harness/sql/packs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const root = temporaryFolder();
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(root, "policies", path)), { recursive: true });
  writeFileSync(join(root, "policies", path), text);
};
const packs = () => readPacks(root);
const version = (name: string) => packs().find((pack) => pack.name === name)?.version;

beforeEach(() => {
  rmSync(join(root, "policies"), { recursive: true, force: true });
  write("a/install.sql", "-- needs: b\n-- What it is.\n\\ir two.sql\n\\ir one.sql\n");
  write("a/one.sql", "select 1;\n");
  write("a/two.sql", "select 2;\n");
  write("b/install.sql", "\\ir version.sql\n\\ir sub/b.sql\n");
  write("b/version.sql", "select 'unversioned';\n");
  write("b/sub/b.sql", "select 'unversioned';\n");
  write("loose.sql", "-- no pack\n");
});

test("packs come after those that they need, their files in the order of install.sql", () => {
  expect(packs().map(({ name, files }) => [name, files.map(({ path }) => path)])).toEqual([
    ["b", ["b/version.sql", "b/sub/b.sql"]],
    ["a", ["a/two.sql", "a/one.sql"]],
  ]);
});

test("the version is that of the files: their text, their names and their order, and nothing of other packs", () => {
  const before = version("b");
  const other = version("a");
  expect(packs()[0]?.files.map(({ text }) => text)).toEqual([
    `select '${before}';\n`,
    "select 'unversioned';\n",
  ]);
  write("b/sub/b.sql", "select 3;\n");
  const edited = version("b");
  write("b/install.sql", "\\ir sub/b.sql\n\\ir version.sql\n");
  expect(new Set([before, edited, version("b")]).size).toBe(3);
  expect(version("a")).toBe(other);
});

test.each([
  ["a file that install.sql does not name", () => write("a/three.sql", ""), "pack-incomplete", /three\.sql/],
  [
    "a file that is not there",
    () => rmSync(join(root, "policies/a/one.sql")),
    "pack-incomplete",
    /one\.sql is missing/,
  ],
  [
    "a pack that is not there",
    () => write("a/install.sql", "-- needs: c\n\\ir one.sql\n\\ir two.sql\n"),
    "pack-unknown",
    /"c"/,
  ],
  [
    "two that need each other",
    () => write("b/install.sql", "-- needs: a\n\\ir version.sql\n\\ir sub/b.sql\n"),
    "pack-circle",
    /a → b → a/,
  ],
])("%s is refused by name", (_what, act, code, message) => {
  act();
  expect(packs).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
});

import { expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { circlesIn, graphOf, importsIn, reachedFrom, sources } from "./support/imports.ts";
import { misplacedIn } from "./support/layers.ts";

const texts = sources(packageRoot);
const graph = graphOf(texts);

test("every import leads to a file", () => {
  const lost = [...graph].flatMap(([file, imports]) =>
    imports.filter((to) => !graph.has(to)).map((to) => `${file} → ${to}`),
  );
  expect(lost).toEqual([]);
  expect(graph.size).toBeGreaterThan(250);
});

test("no import circle, type-only ones included", () => expect(circlesIn(graph)).toEqual([]));

test("no import goes up or sideways", () => expect(misplacedIn(graph)).toEqual([]));

test("what applications import reaches nothing of the command line", () => {
  const reached = reachedFrom("index.ts", graph);
  const strange = [...reached].filter(
    ([file]) => !/^(index|client\/.*|core\/(errors|redaction|secret-shapes))\.ts$/.test(file),
  );
  expect(strange.map(([, way]) => way)).toEqual([]);
  const packages = [...reached.keys()]
    .flatMap((file) => importsIn(texts.get(file) ?? ""))
    .filter((specifier) => !/^(\.|node:)/.test(specifier));
  expect([...new Set(packages)].sort()).toEqual(["pg", "valibot"]);
});

// That the above can fail.
const toy = (files: Record<string, string>) => graphOf(new Map(Object.entries(files)));

test.each<[string, Record<string, string>, string]>([
  [
    "of types",
    { "a/x.ts": 'import type { Y } from "./y.ts";', "a/y.ts": 'import { type X, z } from "./x.ts";' },
    "a/x.ts → a/y.ts → a/x.ts",
  ],
  [
    "of three, over several lines, a re-export and an import on demand",
    {
      "a.ts": 'import {\n  b,\n  type B,\n} from "./b/b.ts";',
      "b/b.ts": 'export * from "./c.ts";',
      "b/c.ts": 'const { a } = await import("../a.ts");',
    },
    "a.ts → b/b.ts → b/c.ts → a.ts",
  ],
  [
    "through a folder whose files are found by name",
    {
      "v/run.ts": 'const folder = new URL("./all/", import.meta.url);',
      "v/all/one.ts": 'import type { Run } from "../run.ts";',
    },
    "v/run.ts → v/all/one.ts → v/run.ts",
  ],
  ["of itself", { "a.ts": 'import "./a.ts";' }, "a.ts → a.ts"],
])("a circle %s is named", (_, files, way) => expect(circlesIn(toy(files))).toEqual([way]));

test("two ways to the same file are no circle", () => {
  const files = {
    "a.ts": 'import "./b.ts"; import "./c.ts";',
    "b.ts": 'import "./d.ts";',
    "c.ts": 'import "./d.ts";',
    "d.ts": "",
  };
  expect(circlesIn(toy(files))).toEqual([]);
});

test.each([
  ["core/a.ts", "terminal/b.ts", false],
  ["client/a.ts", "core/errors.ts", true],
  ["client/a.ts", "core/project.ts", false],
  ["client/a.ts", "config/load.ts", false],
  ["sql/a.ts", "targets/b.ts", false],
  ["targets/a.ts", "sql/b.ts", true],
  ["isolation/a.ts", "verify/b.ts", false],
  ["verify/a.ts", "pii/b.ts", false],
  ["verify/a.ts", "report/b.ts", false],
  ["report/a.ts", "isolation/b.ts", false],
  ["bench/a.ts", "verify/b.ts", true],
  ["outbox/a.ts", "commands/b.ts", false],
  ["commands/a.ts", "bench/b.ts", true],
  ["commands/a.ts", "attic/b.ts", false],
])("%s may import %s: %s", (from, to, allowed) => {
  const found = misplacedIn(new Map([[from, [to]]]));
  expect(found).toEqual(allowed ? [] : [`${from} → ${to}`]);
});

test("a room that stands nowhere is named", () =>
  expect(misplacedIn(new Map([["attic/a.ts", []]]))).toEqual(["attic/a.ts: its room is in no layer"]));

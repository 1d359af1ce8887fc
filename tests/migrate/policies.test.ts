import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import { expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";

// graphile-migrate compares what it commits by a scanner that knows no dollar quotes: an odd quote in a body, were it in a regular
// expression, makes a file that runs in psql and cannot be committed.
const requireFromEngine = createRequire(createRequire(import.meta.url).resolve("graphile-migrate"));
const scan: (sql: string) => string = requireFromEngine("pg-minify");
const files = globSync("policies/**/*.sql", { cwd: packageRoot, ignore: "**/install.sql" });

test("the scanner stumbles over an odd quote in a body", () => {
  expect(() => scan("do $$ begin perform $re$[^']$re$; end $$;")).toThrow();
  expect(files.length).toBeGreaterThan(40);
});

test.each(files)("%s can be committed", (file) => {
  expect(scan(readFileSync(join(packageRoot, file), "utf8"))).not.toBe("");
});

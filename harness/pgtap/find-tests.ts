import { resolve } from "node:path";
import { globSync } from "tinyglobby";
import { HarnessError } from "../core/errors.ts";

/**
 * The files that patterns name, or all of a project's.
 * @throws HarnessError `no-tests`
 */
export function findTests(root: string, patterns: readonly string[]): string[] {
  const files =
    patterns.length === 0
      ? globSync("tests/pgtap/**/*.sql", { cwd: root, absolute: true, ignore: "**/support/**" })
      : patterns.flatMap((pattern) => globSync(pattern, { absolute: true }));
  if (files.length > 0) return files.map((file) => resolve(file)).sort();
  throw new HarnessError({
    code: "no-tests",
    message:
      patterns.length === 0
        ? `there is no tests/pgtap/*.sql under ${root}`
        : `no file matches ${patterns.join(" ")}`,
    hint: "Name the pgTAP files, or run this in a project that has some.",
  });
}

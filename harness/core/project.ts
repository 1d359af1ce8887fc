import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The first folder from `from` upwards that holds one of `names`, or null. */
export function findUpwards(names: readonly string[], from = process.cwd()): string | null {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (names.some((name) => existsSync(join(folder, name)))) return folder;
    if (dirname(folder) === folder) return null;
  }
}

/** The folder that the command works on: where the config is, else where the migrations are, else here. */
export function projectRoot(): string {
  return findUpwards(["harness.config.json"]) ?? findUpwards([".gmrc"]) ?? process.cwd();
}

/** The folder of this package, whether it runs from `harness/*.ts` or from `dist/*.js`. */
export const packageRoot: string =
  findUpwards(["package.json"], dirname(fileURLToPath(import.meta.url))) ?? process.cwd();

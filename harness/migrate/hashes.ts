import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HarnessError } from "../core/errors.ts";
import { committedMigrations } from "./layout.ts";

const fileOf = (root: string) => join(root, "migrations", "HASHES");

/**
 * A line for each migration that was committed. Lines are only ever added to it, so that a migration that is edited, with its hash
 * and all that follow from it, shows; and so that two branches that commit a migration of the same number conflict in git.
 */
export function writtenHashes(root: string): string[] {
  const file = fileOf(root);
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
}

/** What migrations/HASHES has to say of the files that are there. */
export const hashesOf = (root: string): string[] =>
  committedMigrations(root).map(({ file, hash }) => `${file} ${hash}`);

export function writeHashes(root: string, lines: string[]): void {
  writeFileSync(fileOf(root), lines.map((line) => `${line}\n`).join(""));
}

/**
 * @throws HarnessError `migrations-edited` if a committed migration is not what it was when it was committed
 */
export function requireUnedited(root: string): void {
  const present = hashesOf(root);
  const edited = writtenHashes(root).find((line, at) => present[at] !== line);
  if (edited === undefined) return;
  throw new HarnessError({
    code: "migrations-edited",
    message: `${edited.split(" ")[0]} is not the migration that was committed: migrations/HASHES has another hash`,
    hint: "Committed migrations never change: bring the file back (git) and put the change into a new migration.",
  });
}

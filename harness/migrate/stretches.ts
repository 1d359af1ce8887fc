import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onExit } from "../core/cleanup.ts";
import type { ChildTask } from "./child.ts";
import { committedMigrations } from "./layout.ts";
import type { MigrationStatus } from "./ledger.ts";

/** Pending migrations that follow each other and are run with the same settings, by one child process. */
export interface Stretch {
  transactional: boolean;
  task: Pick<ChildTask, "command" | "migrationsFolder" | "without">;
  /** Removes what was made for it. */
  discard(): Promise<void>;
}

/**
 * Divides the pending migrations where one without a transaction (`--! no-transaction`) begins or ends. graphile-migrate runs all that it
 * finds: a stretch that is not the last gets a folder of copies that ends with it.
 */
export function stretchesOf(root: string, pending: MigrationStatus[]): Stretch[] {
  const files = pending.map(({ file }) => ({ file, transactional: isTransactional(root, file) }));
  const ends = files.filter(({ transactional }, at) => files[at + 1]?.transactional !== transactional);
  return ends.map(({ file, transactional }, at) => {
    const [first, last] = [at === 0, at === ends.length - 1];
    const copy = last ? null : folderUpTo(root, file);
    const without: ChildTask["without"] = [
      ...(first ? [] : (["beforeAllMigrations"] as const)),
      ...(last ? [] : (["afterAllMigrations"] as const)),
    ];
    return {
      transactional,
      task: { command: "migrate", without, ...(copy ? { migrationsFolder: copy.folder } : {}) },
      discard: copy?.discard ?? (async () => undefined),
    };
  });
}

/** As graphile-migrate tells: by the first line below the header. */
function isTransactional(root: string, file: string): boolean {
  const lines = readFileSync(join(root, "migrations", "committed", file), "utf8").split("\n");
  const body = lines.slice(lines.findIndex((line) => !/^--! [A-Z]\w*(:.*)?$/.test(line)));
  return !/^--!\s*no-transaction\b/.test(body.join("\n").trim());
}

function folderUpTo(root: string, last: string): { folder: string; discard: () => Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), "harness-migrations-"));
  const discard = onExit(async () => rmSync(folder, { recursive: true, force: true }));
  const [from, to] = [join(root, "migrations"), folder];
  mkdirSync(join(to, "committed"));
  for (const { file } of committedMigrations(root)) {
    if (file <= last) copyFileSync(join(from, "committed", file), join(to, "committed", file));
  }
  // actions of the .gmrc may run SQL files of this folder
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isFile()) copyFileSync(join(from, entry.name), join(to, entry.name));
  }
  return { folder, discard };
}

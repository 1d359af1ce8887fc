import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onExit } from "../core/cleanup.ts";
import { readPacks } from "../sql/packs.ts";

/**
 * Lets graphile-migrate work on a copy of the project's migrations, with `current` as current.sql and every pack as it is installed:
 * whatever it does to the files, and wherever it fails or is killed, the project's own are as they were.
 */
export async function inStaging<T>(
  root: string,
  current: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "harness-migrations-"));
  const remove = onExit(async () => rmSync(folder, { recursive: true, force: true }));
  try {
    for (const name of readdirSync(root)) {
      if (name !== "migrations" && name !== "current.sql") symlinkSync(join(root, name), join(folder, name));
    }
    const migrations = join(folder, "migrations");
    mkdirSync(join(migrations, "fixtures"), { recursive: true });
    cpSync(join(root, "migrations", "committed"), join(migrations, "committed"), { recursive: true });
    const policies = join(root, "policies");
    if (existsSync(policies)) cpSync(policies, join(migrations, "fixtures"), { recursive: true });
    for (const { path, text } of readPacks(root).flatMap((pack) => pack.files)) {
      writeFileSync(join(migrations, "fixtures", path), text);
    }
    writeFileSync(join(migrations, "current.sql"), `${current.trim()}\n`);
    return await work(folder);
  } finally {
    await remove();
  }
}

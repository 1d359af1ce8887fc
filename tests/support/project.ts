import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../harness/core/project.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface ProjectCopy {
  root: string;
  /** Replaces text in a file; there has to be exactly one of it. */
  edit(file: string, from: string | RegExp, to: string): void;
  append(file: string, text: string): void;
}

/** A copy of this project's SQL that a test may edit. */
export function projectCopy(): ProjectCopy {
  const root = temporaryFolder();
  for (const name of [".gmrc", "current.sql", "harness.config.json", "migrations", "policies", "tests/pgtap"])
    cpSync(join(packageRoot, name), join(root, name), { recursive: true, verbatimSymlinks: true });
  for (const name of ["dist", "node_modules", "package.json"])
    symlinkSync(join(packageRoot, name), join(root, name));
  const read = (file: string) => readFileSync(join(root, file), "utf8");
  return {
    root,
    edit(file, from, to) {
      const parts = read(file).split(from);
      if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} of ${from}`);
      writeFileSync(join(root, file), parts.join(to));
    },
    append: (file, text) => writeFileSync(join(root, file), `${read(file)}${text}\n`),
  };
}

/** A project of one's own with these committed migrations, `1-name` to its SQL; it goes with the test file. */
export function projectWith(migrations: Record<string, string>): string {
  const root = temporaryFolder();
  mkdirSync(join(root, "migrations", "committed"), { recursive: true });
  mkdirSync(join(root, "policies"));
  writeFileSync(join(root, ".gmrc"), '{ "migrationsFolder": "./migrations" }');
  writeFileSync(join(root, "harness.config.json"), "{}");
  writeFileSync(join(root, "current.sql"), "-- next\n");
  let previous = "";
  for (const [name, sql] of Object.entries(migrations)) {
    const [number = "", slug] = name.split("-");
    const text = `${previous}\n${sql.trim()}`.trim();
    const hash = `sha1:${createHash("sha1").update(`${text}\n`).digest("hex")}`;
    writeFileSync(
      join(root, "migrations", "committed", `${number.padStart(6, "0")}-${slug}.sql`),
      `--! Previous: ${previous || "-"}\n--! Hash: ${hash}\n\n${sql.trim()}\n`,
    );
    previous = hash;
  }
  return root;
}

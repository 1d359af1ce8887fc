import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
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

import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { globSync } from "tinyglobby";
import { packageRoot } from "../core/project.ts";

export interface SqlFile {
  /** File name without folder and ending. */
  name: string;
  /** From the package's root, e.g. `harness/setup/steps/10-roles.sql`. */
  path: string;
  /** `-- key: value` lines before the first other line. A value goes on behind `--` and three spaces. */
  header: Record<string, string>;
  text: string;
}

/** A line that brings in another file, relative to its own, as psql reads it. */
export const includeLine = /^\\ir[ \t]+(\S+)[ \t]*$/;

/** One SQL file of this package, `path` from its root. */
export function readSqlFile(path: string): SqlFile {
  const text = readFileSync(resolve(packageRoot, path), "utf8");
  const header: Record<string, string> = {};
  let key = "";
  for (const line of text.split("\n")) {
    const match = /^-- ([a-z-]+): (.*)$/.exec(line);
    const more = /^-- {3}(.*)$/.exec(line)?.[1];
    if (match) {
      key = match[1] as string;
      header[key] = (match[2] as string).trim();
    } else if (key && more) {
      header[key] += ` ${more.trim()}`;
    } else {
      break;
    }
  }
  return { name: basename(path, ".sql"), path, header, text };
}

/** Every SQL file of a folder of this package, in the order of their names; `**` in it stands for the folders below. */
export function readSqlFolder(folder: string): SqlFile[] {
  return globSync(`${folder}/*.sql`, { cwd: packageRoot }).sort().map(readSqlFile);
}

/** The names that a line of the header lists: `-- uses: a, b`. */
export function names({ header }: SqlFile, key: string): string[] {
  return header[key]?.split(/\s*,\s*/) ?? [];
}

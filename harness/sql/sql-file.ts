import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { globSync } from "tinyglobby";
import { packageRoot } from "../core/project.ts";

export interface SqlFile {
  /** File name without folder and ending. */
  name: string;
  /** From the package's root, e.g. `harness/setup/steps/10-roles.sql`. */
  path: string;
  /** `-- key: value` lines before the first other line. */
  header: Record<string, string>;
  text: string;
}

/** A line that brings in another file, relative to its own, as psql reads it. */
export const includeLine = /^\\ir[ \t]+(\S+)[ \t]*$/;

/** The text of a file of this package with what it brings in (`\ir`) in its place. */
export function withIncludes({ path, text }: SqlFile): string {
  const lines = text.split("\n").map((line) => {
    const included = includeLine.exec(line)?.[1];
    return included ? withIncludes(readSqlFile(join(dirname(path), included))).trimEnd() : line;
  });
  return lines.join("\n");
}

/** One SQL file of this package, `path` from its root. */
export function readSqlFile(path: string): SqlFile {
  const text = readFileSync(join(packageRoot, path), "utf8");
  const header: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const match = /^-- ([a-z-]+): (.*)$/.exec(line);
    if (!match) break;
    header[match[1] as string] = (match[2] as string).trim();
  }
  return { name: basename(path, ".sql"), path, header, text };
}

/** Every SQL file of a folder of this package, in the order of their names. */
export function readSqlFolder(folder: string): SqlFile[] {
  return globSync(`${folder}/*.sql`, { cwd: packageRoot }).sort().map(readSqlFile);
}

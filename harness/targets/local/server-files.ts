import { existsSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { copyTree } from "./copy-tree.ts";
import { isAbandoned, publishFolder } from "./draft-folder.ts";
import { addExtensions, fingerprintExtensions } from "./extra-extensions.ts";
import { serversInUse } from "./postmaster.ts";
import { defaultPackage, findServerPackage, type ServerPackage } from "./server-package.ts";
import { makeFolder, makeState, serversFolder } from "./state.ts";

export interface ServerFiles {
  /** Folder with bin, lib and share. */
  folder: string;
  major: number;
}

/**
 * A private copy of the server, made if there is none: node_modules is nobody's to write to, and the OS user
 * that the server runs as may not be able to read it. A managed platform's copy carries its extensions; for any other
 * the package is copied as it is.
 */
export async function serverFiles(
  state: string,
  packageName: string = defaultPackage,
  extended = packageName === defaultPackage,
): Promise<ServerFiles> {
  const found = findServerPackage(packageName);
  const key = extended ? `${found.version}-${fingerprintExtensions()}` : found.version;
  const folder = join(serversFolder(state), key);
  if (!existsSync(folder)) {
    makeState(state);
    await publishFolder(folder, (draft) => makeCopy(found, draft, extended));
    removeStaleCopies(state, key);
  }
  return { folder, major: found.major };
}

/** Copies what a server needs to run, readable for every user; links that npm left out are made good. */
export async function makeCopy(found: ServerPackage, copy: string, extended: boolean): Promise<void> {
  makeFolder(copy);
  for (const part of ["bin", "lib", "share"]) {
    copyTree(join(found.native, part), join(copy, part), {
      skip: (path) => path.endsWith(".a") || basename(path) === "pkgconfig",
      folderMode: 0o755,
      fileMode: (mode) => (mode & 0o100 ? 0o755 : 0o644),
      owner: null,
    });
  }
  for (const link of found.links) {
    const path = join(copy, link.folder, link.name);
    if (!existsSync(path)) symlinkSync(link.pointsTo, path);
  }
  if (extended) await addExtensions(copy);
}

/** Earlier copies of the same kind, with other extensions or of another minor version, that no running server was started from. */
function removeStaleCopies(state: string, current: string): void {
  const kind = kindOf(current);
  const inUse = serversInUse(state);
  for (const name of readdirSync(serversFolder(state))) {
    const folder = join(serversFolder(state), name);
    if (name === current || kindOf(name) !== kind || inUse.has(folder)) continue;
    if (isAbandoned(folder)) rmSync(folder, { recursive: true, force: true });
  }
}

/** The major version, and whether the copy carries our extensions (then it ends with their fingerprint). */
function kindOf(name: string): string {
  return `${name.split(".")[0]} ${/-[0-9a-f]{8}$/.test(name)}`;
}

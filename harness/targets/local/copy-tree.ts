import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import type { OsUser } from "./os-user.ts";

export interface CopyRules {
  skip?: (path: string) => boolean;
  folderMode: number;
  fileMode: (sourceMode: number) => number;
  /** Who owns the copy; null means ourselves. */
  owner: OsUser | null;
}

/**
 * Copies a folder: without copying a byte where the file system can share blocks, and synchronously, since a
 * thousand small files take several times as long through promises.
 */
export function copyTree(from: string, to: string, rules: CopyRules): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (rules.skip?.(source)) continue;
    if (entry.isDirectory()) copyTree(source, target, rules);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else {
      copyFileSync(source, target, constants.COPYFILE_FICLONE);
      settle(target, rules.fileMode(statSync(source).mode), rules.owner);
    }
  }
  settle(to, rules.folderMode, rules.owner);
}

function settle(path: string, mode: number, owner: OsUser | null): void {
  chmodSync(path, mode);
  if (owner) chownSync(path, owner.uid, owner.gid);
}

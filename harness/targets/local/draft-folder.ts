import { randomBytes } from "node:crypto";
import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { onExit } from "../../core/cleanup.ts";

/**
 * Makes a folder aside and renames it into place, so that it is either complete or not there, whoever is killed
 * when. If two make the same one, the second discards its own.
 * @returns whether it was ours that took the place.
 */
export async function publishFolder(
  folder: string,
  make: (draft: string) => Promise<void>,
): Promise<boolean> {
  removeAbandoned(dirname(folder));
  const draft = join(dirname(folder), `.draft-${randomBytes(4).toString("hex")}`);
  const discard = onExit(async () => removeFolder(draft));
  try {
    await make(draft);
    return renameInto(draft, folder);
  } finally {
    await discard();
  }
}

/** Takes a folder out of the way at once; `remove` then deletes it at leisure. */
export function retireFolder(folder: string): { remove: () => void } {
  const retired = join(dirname(folder), `.deleted-${randomBytes(4).toString("hex")}`);
  renameSync(folder, retired);
  return { remove: () => removeFolder(retired) };
}

const abandonedAfterMs = 10 * 60_000;

/**
 * True if whoever made this folder must have ended long ago. Age decides, not the maker's process id: the state
 * may be shared with a container, where ids mean something else.
 */
export function isAbandoned(folder: string): boolean {
  const made = statSync(folder, { throwIfNoEntry: false })?.mtimeMs;
  return made !== undefined && Date.now() - made > abandonedAfterMs;
}

function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    const leftover = /^\.(draft|deleted)-/.test(name) && isAbandoned(join(parent, name));
    if (leftover) removeFolder(join(parent, name));
  }
}

function renameInto(draft: string, folder: string): boolean {
  try {
    renameSync(draft, folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    throw error;
  }
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

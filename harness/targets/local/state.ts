import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { HarnessError } from "../../core/errors.ts";
import { projectRoot } from "../../core/project.ts";

/**
 * Where local branches live: `$HARNESS_STATE`, else `.harness` in the project. Root gets a folder outside of
 * the project instead, since the server then runs as another OS user, who can't enter /root.
 *
 *     servers/<version>/{bin,lib,share}               private copy of the server
 *     branches/<name>/{branch.json,data/,server.log}  one cluster each
 */
export function stateFolder(): string {
  if (process.env.HARNESS_STATE) return canonical(process.env.HARNESS_STATE);
  const root = canonical(projectRoot());
  if (process.getuid?.() !== 0) return join(root, ".harness");
  const hash = createHash("sha256").update(root).digest("hex").slice(0, 8);
  return join("/var/lib/harness", `${basename(root)}-${hash}`);
}

/** One path for one folder, links resolved: a running server is recognised by the path that it was started with. */
export function canonical(path: string): string {
  const full = resolve(path);
  if (existsSync(full)) return realpathSync(full);
  return dirname(full) === full ? full : join(canonical(dirname(full)), basename(full));
}

export const serversFolder = (state: string): string => join(state, "servers");
export const branchesFolder = (state: string): string => join(state, "branches");

/** Makes the state's folders, and keeps them out of the project's version control. */
export function makeState(state: string): void {
  try {
    makeFolder(serversFolder(state));
    makeFolder(branchesFolder(state));
    const ignore = join(state, ".gitignore");
    if (!existsSync(ignore)) writeFileSync(ignore, "*\n");
  } catch (cause) {
    throw new HarnessError({
      code: "state-not-writable",
      message: `local branches cannot be kept in ${state}: ${(cause as Error).message}`,
      hint: "Set HARNESS_STATE to a folder that you may write to.",
      cause,
    });
  }
}

/** Like `mkdir -p`, but enterable by the server's OS user whatever the umask is. */
export function makeFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true });
  for (let made = folder; first && made.length >= first.length; made = dirname(made)) chmodSync(made, 0o755);
}

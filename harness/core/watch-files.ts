import { existsSync, type FSWatcher, statSync, watch } from "node:fs";
import { basename, dirname, join } from "node:path";

/** How long a burst of changes lasts, as an editor or git makes them. */
const burstMs = 50;

/** Watches files and folders below `root`, those that exist. `next` waits for changes, and answers with the files. */
export function watchFiles(root: string, paths: string[]): { next(): Promise<string[]>; close(): void } {
  const changed = new Set<string>();
  let wake = () => {};
  const watchers = paths
    .map((path) => join(root, path))
    .filter((path) => existsSync(path))
    .map((path) =>
      watchOne(path, (file) => {
        changed.add(file);
        wake();
      }),
    );
  return {
    close: () => {
      for (const watcher of watchers) watcher.close();
    },
    async next() {
      if (changed.size === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      await new Promise((resolve) => setTimeout(resolve, burstMs));
      const files = [...changed];
      changed.clear();
      return files;
    },
  };
}

/** A file through its folder: editors put another one into its place. */
function watchOne(path: string, onChange: (file: string) => void): FSWatcher {
  if (statSync(path).isDirectory()) {
    return watch(path, { recursive: true }, (_event, name) => name && onChange(join(path, name)));
  }
  return watch(dirname(path), (_event, name) => {
    if (name === basename(path)) onChange(path);
  });
}

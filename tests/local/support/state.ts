import { chmodSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readPostmaster } from "../../../harness/targets/local/postmaster.ts";
import { stopServer } from "../../../harness/targets/local/server.ts";
import {
  branchesFolder,
  makeState,
  serversFolder,
  stateFolder,
} from "../../../harness/targets/local/state.ts";

export interface TemporaryState {
  folder: string;
  /** Ends every server in it and removes it. */
  remove(): Promise<void>;
}

/**
 * A state folder of one's own, also for child processes. With the project's copies of the server, unless a test
 * is about making those.
 */
export function temporaryState({ ownServers = false } = {}): TemporaryState {
  const before = process.env.HARNESS_STATE;
  const project = stateFolder();
  makeState(project);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "harness-state-")));
  chmodSync(folder, 0o755); // as root the server runs as another user
  if (!ownServers) symlinkSync(serversFolder(project), serversFolder(folder));
  process.env.HARNESS_STATE = folder;
  return {
    folder,
    remove: async () => {
      const branches = branchesFolder(folder);
      for (const name of existsSync(branches) ? readdirSync(branches) : []) {
        const data = join(branches, name, "data");
        const server = readPostmaster(data);
        if (server) await stopServer(server, data);
      }
      rmSync(folder, { recursive: true, force: true });
      if (before === undefined) delete process.env.HARNESS_STATE;
      else process.env.HARNESS_STATE = before;
    },
  };
}

/** Waits for a condition that another process brings about. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await condition()); await delay(5)) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
  }
}

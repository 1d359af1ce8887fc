import type { Flavor } from "../../config/flavors.ts";
import { onExit } from "../../core/cleanup.ts";
import type { Target } from "../target.ts";
import {
  assertBranchName,
  isKept,
  type LocalBranch,
  mainBranch,
  readBranch,
  setKept,
  unknownBranch,
} from "./branch-folder.ts";
import { ownerUrl } from "./branch-url.ts";
import { createBranch } from "./cluster.ts";
import { acquireLease, type Lease } from "./lease.ts";
import { readPostmaster } from "./postmaster.ts";
import { stateFolder } from "./state.ts";

export interface LocalTargetOptions {
  /** Makes the branch if there is none; `main` is always made on demand. */
  create?: boolean;
  /** Of a branch that has to be made. */
  flavor?: Flavor;
}

export function existsLocally(name: string): boolean {
  assertBranchName(name);
  return readBranch(stateFolder(), name) !== null;
}

/**
 * The local branch of this name, running until released.
 * @throws HarnessError `bad-branch-name`, `unknown-branch`, or why the server did not start.
 */
export async function localTarget(name: string, options: LocalTargetOptions = {}): Promise<Target> {
  const { branch, lease, release } = await openBranch(name, options);
  return {
    branch: name,
    provider: "local",
    url: ownerUrl(branch, lease.server.port),
    release: async () => void (await release()),
  };
}

/** Starts the branch for good: it outlives this command. Says whether that was news. */
export async function startBranch(name: string): Promise<{ url: string; port: number; news: boolean }> {
  const { branch, lease, release } = await openBranch(name);
  const news = !isKept(branch);
  setKept(branch, true);
  await release();
  const { port } = lease.server;
  return { url: ownerUrl(branch, port), port, news };
}

/** Takes an explicit start back: the server stops now, or with the last command that uses it. */
export async function stopBranch(name: string): Promise<"stopped" | "in use" | "not running"> {
  assertBranchName(name);
  const branch = readBranch(stateFolder(), name);
  if (!branch) throw unknownBranch(name, stateFolder());
  setKept(branch, false);
  if (!readPostmaster(branch.data)) return "not running";
  const lease = await acquireLease(branch);
  return (await lease.release()) ? "stopped" : "in use";
}

interface OpenBranch {
  branch: LocalBranch;
  lease: Lease;
  release: () => Promise<void>;
}

async function openBranch(name: string, options: LocalTargetOptions = {}): Promise<OpenBranch> {
  assertBranchName(name);
  const branch = await findOrCreate(name, options);
  const acquiring = acquireLease(branch);
  // Registered before the server runs: whoever interrupts the start must not leave it running.
  const release = onExit(async () => void (await (await acquiring).release()));
  try {
    return { branch, lease: await acquiring, release };
  } catch (error) {
    await release().catch(() => undefined);
    throw error;
  }
}

async function findOrCreate(name: string, { create = name === mainBranch, flavor }: LocalTargetOptions) {
  const state = stateFolder();
  const existing = readBranch(state, name);
  if (existing) return existing;
  if (!create) throw unknownBranch(name, state);
  return (await createBranch(state, name, { flavor })).branch;
}

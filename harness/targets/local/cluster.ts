import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { HarnessError } from "../../core/errors.ts";
import {
  type BranchRecord,
  branchFolder,
  type LocalBranch,
  readBranch,
  unknownBranch,
  writeRecord,
} from "./branch-folder.ts";
import { publishFolder, retireFolder } from "./draft-folder.ts";
import { carriesExtensions, findFlavor } from "./flavor.ts";
import { acquireLease } from "./lease.ts";
import { assertReachable, serverUser } from "./os-user.ts";
import { readPostmaster } from "./postmaster.ts";
import { layDownCluster, runSql } from "./pristine-cluster.ts";
import { stopServer } from "./server.ts";
import { serverFiles } from "./server-files.ts";
import { defaultPackage } from "./server-package.ts";
import { makeFolder, makeState } from "./state.ts";

export interface ClusterOptions {
  flavor?: string | undefined;
  /** npm package that brings the server. */
  packageName?: string | undefined;
  durable?: boolean | undefined;
}

/**
 * Makes the branch's cluster, which is not running then.
 * @returns the branch, and whether it was us who made it, if two did at once.
 */
export async function createBranch(
  state: string,
  name: string,
  { flavor: flavorName = "neon", packageName = defaultPackage, durable = true }: ClusterOptions = {},
): Promise<{ branch: LocalBranch; created: boolean }> {
  const flavor = findFlavor(flavorName);
  const user = serverUser();
  makeState(state);
  assertReachable(state, user);
  const server = await serverFiles(state, packageName, carriesExtensions(flavorName, packageName));
  const { superuser, owner, database } = flavor;
  const record: BranchRecord = {
    ...{ flavor: flavor.name, pg: server.major, package: packageName, superuser, owner, database, durable },
    passwords: { superuser: newPassword(), owner: newPassword() },
  };
  const created = await publishFolder(branchFolder(state, name), async (draft) => {
    makeFolder(draft);
    const data = join(draft, "data");
    await layDownCluster(server, flavor, data, user);
    const { passwords } = record;
    const sql = [
      `alter role ${superuser} password '${passwords.superuser}';`,
      `alter role ${owner} password '${passwords.owner}';`,
    ];
    await runSql(server, data, "postgres", sql.join("\n"), user);
    writeRecord(draft, record);
  });
  const branch = readBranch(state, name);
  if (!branch) throw unknownBranch(name, state);
  return { branch, created };
}

/** @throws HarnessError `unknown-branch`, or `branch-in-use` while another command uses it. */
export async function deleteBranch(state: string, name: string): Promise<void> {
  const folder = branchFolder(state, name);
  if (!existsSync(folder)) throw unknownBranch(name, state);
  const branch = readPostmaster(join(folder, "data")) ? readBranch(state, name) : null;
  if (!branch) {
    retireFolder(folder).remove();
    return;
  }
  const lease = await acquireLease(branch);
  const deleted = await lease.release(async (server) => {
    // Out of the way first, so that nobody who waits for the branch starts its server again.
    const retired = retireFolder(folder);
    await stopServer(server, branch.data);
    retired.remove();
  });
  if (deleted) return;
  throw new HarnessError({
    code: "branch-in-use",
    message: `the branch "${name}" is in use by another command`,
    hint: "Let that command end first.",
  });
}

/** Hexadecimal, so that it needs no quoting anywhere. */
function newPassword(): string {
  return randomBytes(16).toString("hex");
}

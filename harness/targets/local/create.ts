import { onInterrupt } from "../../core/cleanup.ts";
import { HarnessError } from "../../core/errors.ts";
import { assertBranchName, branchNames, type LocalBranch } from "./branch-folder.ts";
import { createBranch } from "./cluster.ts";
import { stateFolder } from "./state.ts";

const offeredVersion = "17";

/** @throws HarnessError `branch-exists`, `unsupported-version`, `unknown-flavor` */
export async function createNewBranch(
  name: string,
  { flavor, pg }: { flavor: string; pg: string },
): Promise<LocalBranch> {
  assertBranchName(name);
  if (pg !== offeredVersion) {
    throw new HarnessError({
      code: "unsupported-version",
      message: `there is no embedded PostgreSQL ${pg}`,
      hint: `Local branches are PostgreSQL ${offeredVersion}; a server of your own is reached by --database-url.`,
    });
  }
  const state = stateFolder();
  if (branchNames(state).includes(name)) throw alreadyExists(name);
  const withdraw = onInterrupt(() =>
    branchNames(state).includes(name)
      ? `the branch ${name} was made.`
      : `the branch ${name} was not made, and nothing is left of it. Run it again from the start.`,
  );
  const { branch, created } = await createBranch(state, name, { flavor });
  withdraw();
  if (!created) throw alreadyExists(name);
  return branch;
}

function alreadyExists(name: string): HarnessError {
  return new HarnessError({
    code: "branch-exists",
    message: `the branch "${name}" exists already`,
    hint: `Use it, or remove it first: harness branch delete ${name}.`,
  });
}

import { needed } from "../../command-line/argument.ts";
import { command } from "../../command-line/command.ts";
import { text } from "../../command-line/values.ts";
import { onInterrupt } from "../../core/cleanup.ts";

export default command({
  summary: "delete a branch and its data",
  arguments: { name: needed(text("name"), "the branch") },
  async run(_, { name }) {
    const { assertBranchName, branchNames } = await import("../../targets/local/branch-folder.ts");
    const { deleteBranch } = await import("../../targets/local/cluster.ts");
    const { stateFolder } = await import("../../targets/local/state.ts");
    assertBranchName(name);
    const withdraw = onInterrupt(() =>
      branchNames(stateFolder()).includes(name)
        ? `the branch ${name} is still there. Run it again.`
        : `the branch ${name} is deleted; the rest of its files goes with the next branch that is made.`,
    );
    await deleteBranch(stateFolder(), name);
    withdraw();
    return { text: `Deleted branch ${name}.\n` };
  },
});

import { needed } from "../../command-line/argument.ts";
import { command } from "../../command-line/command.ts";
import { text } from "../../command-line/values.ts";

export default command({
  summary: "delete a branch and its data",
  arguments: { name: needed(text("name"), "the branch") },
  async run(_, { name }) {
    const { assertBranchName } = await import("../../targets/local/branch-folder.ts");
    const { deleteBranch } = await import("../../targets/local/cluster.ts");
    const { stateFolder } = await import("../../targets/local/state.ts");
    assertBranchName(name);
    await deleteBranch(stateFolder(), name);
    return { text: `Deleted branch ${name}.\n` };
  },
});

import { command } from "../../command-line/command.ts";
import { json } from "../../command-line/shared-options.ts";
import { columns } from "../../terminal/table.ts";

export default command({
  summary: "list the branches",
  options: { ...json },
  async run() {
    const { branchNames } = await import("../../targets/local/branch-folder.ts");
    const { describeBranch } = await import("../../targets/local/describe.ts");
    const { stateFolder } = await import("../../targets/local/state.ts");
    const branches = branchNames(stateFolder()).map(describeBranch);
    const rows = branches.map(({ name, state, flavor, pg, port }) =>
      [name, state, flavor ?? "-", pg ?? "-", port ?? "-"].map(String),
    );
    return {
      json: { branches },
      text:
        branches.length === 0
          ? "No local branches yet. To make one: harness branch create NAME\n"
          : columns([["NAME", "STATE", "FLAVOR", "PG", "PORT"], ...rows]),
    };
  },
});

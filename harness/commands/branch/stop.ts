import { needed } from "../../command-line/argument.ts";
import { command } from "../../command-line/command.ts";
import { text } from "../../command-line/values.ts";
import { onInterrupt } from "../../core/cleanup.ts";

export default command({
  summary: "stop a branch",
  arguments: { name: needed(text("name"), "the branch") },
  async run(_, { name }) {
    const { stopBranch } = await import("../../targets/local/target.ts");
    const withdraw = onInterrupt(
      () => `the server of the branch ${name} goes on stopping by itself; harness branch list shows it.`,
    );
    const outcome = await stopBranch(name);
    withdraw();
    if (outcome === "stopped") return { text: `Stopped branch ${name}.\n` };
    if (outcome === "not running") return { text: `Branch ${name} is not running.\n` };
    return { text: `Branch ${name} is in use by another command, and stops when that ends.\n` };
  },
});

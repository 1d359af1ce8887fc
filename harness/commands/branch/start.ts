import { needed } from "../../command-line/argument.ts";
import { command } from "../../command-line/command.ts";
import { text } from "../../command-line/values.ts";
import { onInterrupt } from "../../core/cleanup.ts";

export default command({
  summary: "start a branch and keep it running",
  arguments: { name: needed(text("name"), "the branch") },
  async run(_, { name }) {
    const { startBranch } = await import("../../targets/local/target.ts");
    const withdraw = onInterrupt(
      () =>
        `the server of the branch ${name} may run; harness branch list shows it, and running this again is safe.`,
    );
    const { port, news } = await startBranch(name);
    withdraw();
    return { text: `Branch ${name} ${news ? "is now" : "was already"} running, on 127.0.0.1:${port}.\n` };
  },
});

import { needed } from "../../command-line/argument.ts";
import { command } from "../../command-line/command.ts";
import { text } from "../../command-line/values.ts";

export default command({
  summary: "start a branch and keep it running",
  arguments: { name: needed(text("name"), "the branch") },
  async run(_, { name }) {
    const { startBranch } = await import("../../targets/local/target.ts");
    const { port, news } = await startBranch(name);
    return { text: `Branch ${name} ${news ? "is now" : "was already"} running, on 127.0.0.1:${port}.\n` };
  },
});

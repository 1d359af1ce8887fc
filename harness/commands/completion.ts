import { needed } from "../command-line/argument.ts";
import { command } from "../command-line/command.ts";
import { choice } from "../command-line/values.ts";

const shells = ["bash", "fish", "zsh"] as const;

export default command({
  summary: "print a script that completes commands and options: source <(harness completion bash)",
  arguments: { shell: needed(choice("shell", shells), "bash, fish or zsh") },
  async run(_, { shell }, all) {
    const scripts = {
      bash: () => import("../command-line/completion/bash.ts"),
      fish: () => import("../command-line/completion/fish.ts"),
      zsh: () => import("../command-line/completion/zsh.ts"),
    };
    const { default: script } = await scripts[shell]();
    return { text: script(await all()) };
  },
});

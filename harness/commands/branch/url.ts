import { needed } from "../../command-line/argument.ts";
import { command } from "../../command-line/command.ts";
import { text } from "../../command-line/values.ts";
import { onInterrupt } from "../../core/cleanup.ts";
import { note } from "../../terminal/output.ts";

/** Prints the URL with its password, which is what it is for, and nothing else on stdout. */
export default command({
  summary: "print a branch's URL, password included, and keep the branch running",
  arguments: { name: needed(text("name"), "the branch") },
  async run(_, { name }) {
    const { startBranch } = await import("../../targets/local/target.ts");
    const withdraw = onInterrupt(
      () =>
        `the server of the branch ${name} may run; harness branch list shows it, and running this again is safe.`,
    );
    const { url, news } = await startBranch(name);
    withdraw();
    if (news) note(`Branch ${name} now stays running. To stop it: harness branch stop ${name}`);
    return { text: `${url}\n` };
  },
});

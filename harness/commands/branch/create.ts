import { needed } from "../../command-line/argument.ts";
import { command } from "../../command-line/command.ts";
import { option } from "../../command-line/option.ts";
import { text } from "../../command-line/values.ts";

export default command({
  summary: "create a branch",
  arguments: { name: needed(text("name"), "what to call it") },
  options: {
    flavor: option(text("flavor"), "platform it behaves like: neon or plain", "neon"),
    pg: option(text("major"), "PostgreSQL's major version", "17"),
  },
  async run({ flavor, pg }, { name }) {
    const { createNewBranch } = await import("../../targets/local/create.ts");
    const { record } = await createNewBranch(name, { flavor, pg });
    return {
      text: `Created branch ${name} (${record.flavor}, PostgreSQL ${record.pg}). Commands start it on demand.\n`,
    };
  },
});

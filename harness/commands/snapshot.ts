import { command } from "../command-line/command.ts";
import { option, repeatable } from "../command-line/option.ts";
import { withClient } from "../command-line/session.ts";
import { reading } from "../command-line/shared-options.ts";
import { path, text } from "../command-line/values.ts";
import { exitCodes } from "../core/errors.ts";

/** With --diff: exit code 1 if the database is something else than what that file says. */
export default command({
  summary: "write what a database is made of, in an order that stays the same; changes nothing",
  options: {
    schema: repeatable(text("name"), "only this schema, repeatable (default: all)"),
    diff: option(path(), "what is different from a snapshot in a file; exit code 1 if something is"),
    ...reading,
  },
  async run({ schema, diff, ...options }) {
    const { parseSnapshot, readSnapshot, snapshotText, takeSnapshot } = await import(
      "../migrate/snapshot.ts"
    );
    const { snapshotDifference } = await import("../migrate/snapshot-difference.ts");
    const before = diff === undefined ? undefined : readSnapshot(diff);
    return withClient(options, "reads", "snapshot", async ({ client }) => {
      const taken = await takeSnapshot(client, schema.length > 0 ? { schemas: schema } : {});
      if (before === undefined) return { text: snapshotText(taken) };
      const difference = snapshotDifference(parseSnapshot(before), taken);
      return {
        text: difference,
        exitCode: difference === "" ? exitCodes.clean : exitCodes.findings,
      };
    });
  },
});

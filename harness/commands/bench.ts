import { many } from "../command-line/argument.ts";
import { command } from "../command-line/command.ts";
import { flag, option, repeatable } from "../command-line/option.ts";
import { withClient } from "../command-line/session.ts";
import { json, writing } from "../command-line/shared-options.ts";
import { count, text } from "../command-line/values.ts";
import { packageRoot } from "../core/project.ts";
import { inColor } from "../terminal/color.ts";

/** Measures on a branch's server, in databases of its own. Exit code 4 if a threshold is missed. */
export default command({
  summary: "measured comparisons: baseline and candidate alternate in one run",
  arguments: { scenarios: many(text("scenarios"), "such as rls, or rls/point-lookup (default: all)") },
  options: {
    max: repeatable(text("name<=value"), "exit 4 if a ratio is larger, repeatable"),
    rounds: option(
      count("number", { most: 100_000 }),
      "measured rounds of each side (default: as many as a few seconds take)",
    ),
    quick: flag("small data: tries the scenario out, measures nothing worth quoting"),
    ...json,
    ...writing,
  },
  async run({ max, rounds = null, quick, ...options }, { scenarios: names }) {
    const { bench } = await import("../bench/bench.ts");
    const { toJson } = await import("../bench/report.ts");
    const { dropLeftovers } = await import("../bench/scratch.ts");
    const { toTable } = await import("../bench/table.ts");
    const { applyMigrations } = await import("../migrate/apply.ts");
    const { applySetup } = await import("../setup/setup.ts");
    const { report, scenarios } = await bench(names, max, { rounds, quick }, (work) =>
      withClient(options, "writes", "bench", async ({ client, target }) => {
        await dropLeftovers(client);
        return work({
          url: target.url,
          admin: client,
          async build(scratch, url) {
            await applySetup(scratch);
            await applyMigrations(scratch, { root: packageRoot, url });
          },
        });
      }),
    );
    return {
      text: options.json ? toJson(report) : toTable(report, scenarios, inColor),
      exitCode: report.exitCode,
    };
  },
});

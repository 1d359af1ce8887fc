import { command } from "../command-line/command.ts";
import { repeatable, required } from "../command-line/option.ts";
import { withTarget } from "../command-line/session.ts";
import { writing } from "../command-line/shared-options.ts";
import { text } from "../command-line/values.ts";
import { projectRoot } from "../core/project.ts";
import { note } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";

export default command({
  summary:
    "turn current.sql, and what changed in packs, into the next committed migration, tried on a shadow database first",
  options: {
    message: { ...required(text("message"), "what the migration does, for its file name"), short: "m" },
    pack: repeatable(text("name"), "folder of policies/ whose changes it has, repeatable; all: every one"),
    ...writing,
  },
  async run({ message, pack, ...options }) {
    const { templateSteps } = await import("../command-line/template.ts");
    const { commitMigration } = await import("../migrate/commit.ts");
    const { refusePooledUrl, refusePooler } = await import("../migrate/migration-url.ts");
    const { requireWhatPacksSay } = await import("../migrate/pack-difference.ts");
    const { choosePacks } = await import("../migrate/working-state.ts");
    const { onConnection } = await import("../targets/session/on-connection.ts");
    return withTarget(options, "writes", async ({ target: { url } }) => {
      refusePooledUrl(url);
      return onConnection(url, "commit", async (client) => {
        await refusePooler(client, url);
        const root = projectRoot();
        const packs = choosePacks(root, pack);
        const stopProgress = progress("trying the migration on a shadow database");
        const file = await requireWhatPacksSay(client, url, root, templateSteps, packs, note)
          .then(() => commitMigration(client, { root, url, message, packs }))
          .finally(stopProgress);
        return { text: `Committed: migrations/committed/${file}\n` };
      });
    });
  },
});

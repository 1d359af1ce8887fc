import { command } from "../command-line/command.ts";
import { withTarget } from "../command-line/session.ts";
import { writing } from "../command-line/shared-options.ts";
import { projectRoot } from "../core/project.ts";
import { progress } from "../terminal/progress.ts";

export default command({
  summary: "take the last migration back into current.sql and the packs; before anybody else has it",
  options: { ...writing },
  async run(options) {
    const { refusePooledUrl, refusePooler } = await import("../migrate/migration-url.ts");
    const { uncommitMigration } = await import("../migrate/uncommit.ts");
    const { onConnection } = await import("../targets/session/on-connection.ts");
    return withTarget(options, "writes", async ({ target: { url } }) => {
      refusePooledUrl(url);
      return onConnection(url, "uncommit", async (client) => {
        await refusePooler(client, url);
        const stopProgress = progress("taking the migration back");
        const file = await uncommitMigration(client, projectRoot(), url).finally(stopProgress);
        return { text: `Taken back: ${file}. What it did in this branch stays.\n` };
      });
    });
  },
});

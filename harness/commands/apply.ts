import { command } from "../command-line/command.ts";
import { option } from "../command-line/option.ts";
import { withTarget } from "../command-line/session.ts";
import { writing } from "../command-line/shared-options.ts";
import { seconds } from "../command-line/values.ts";
import { projectRoot } from "../core/project.ts";
import { redact } from "../core/redaction.ts";
import { paint, paintNote } from "../terminal/color.ts";
import { note, print } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";

export default command({
  summary: "apply the committed migrations",
  options: {
    lockTimeout: option(seconds(), "longest wait for a lock that others may queue behind, each time", "0.5"),
    wait: option(seconds(), "how long to go on trying for locks", "60"),
    ...writing,
  },
  async run(options) {
    const { applyMigrations } = await import("../migrate/apply.ts");
    const { refusePooledUrl } = await import("../migrate/migration-url.ts");
    const { onConnection } = await import("../targets/session/on-connection.ts");
    return withTarget(options, "writes", async ({ target: { url } }) => {
      refusePooledUrl(url);
      return onConnection(url, "apply", async (client) => {
        const stopProgress = progress("applying migrations");
        const applied = await applyMigrations(client, {
          root: projectRoot(),
          url,
          lockTimeoutMs: options.lockTimeout,
          patienceMs: options.wait,
          onFile: (file) => print(`  ${paint.green("+")} ${file}\n`),
          onWaiting: (message) => note(`  ${paintNote.yellow("…")} ${redact(message)}; trying again`),
        }).finally(stopProgress);
        const count = applied.length;
        return { text: count === 0 ? "Up to date: nothing was pending\n" : `Applied: ${count} migrations\n` };
      });
    });
  },
});

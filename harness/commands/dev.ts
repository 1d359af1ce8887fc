import { command } from "../command-line/command.ts";
import { flag } from "../command-line/option.ts";
import { withClient } from "../command-line/session.ts";
import { writing } from "../command-line/shared-options.ts";
import { onExit } from "../core/cleanup.ts";
import { exitCodes } from "../core/errors.ts";
import { projectRoot } from "../core/project.ts";
import { print } from "../terminal/output.ts";

export default command({
  summary:
    "apply current.sql and policies/ to a scratch copy whenever they change, and run the tests they touch",
  options: { once: flag("once, with the exit code of the tests"), ...writing },
  async run({ once, ...options }) {
    const { committedTemplate } = await import("../command-line/template.ts");
    const { DevLoop, requireAlone } = await import("../migrate/dev-loop.ts");
    const { TouchedRun } = await import("../pgtap/touched-run.ts");
    const root = projectRoot();
    return withClient(options, "writes", "dev", async ({ client: admin, target: { url } }) => {
      await requireAlone(admin);
      const tests = new TouchedRun(root, print);
      const loop = new DevLoop({
        admin,
        url,
        root,
        template: () => committedTemplate(admin, url, root),
        test: (...touched) => tests.run(...touched),
        say: (line) => print(`${line}\n`),
      });
      const drop = onExit(() => loop.scratch.drop());
      if (!once) return loop.watch();
      const passed = await loop.round([]).finally(drop);
      return { exitCode: passed ? exitCodes.clean : exitCodes.findings };
    });
  },
});

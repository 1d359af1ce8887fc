import { many } from "../command-line/argument.ts";
import { command } from "../command-line/command.ts";
import { flag, option } from "../command-line/option.ts";
import { withClient } from "../command-line/session.ts";
import { writing } from "../command-line/shared-options.ts";
import { count, path } from "../command-line/values.ts";
import { onInterrupt } from "../core/cleanup.ts";
import { exitCodes } from "../core/errors.ts";
import { projectRoot } from "../core/project.ts";
import { print } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";

/** Writes TAP as it comes. Exit code 1 if an assertion failed, 3 if a file could not be run here. */
export default command({
  summary: "run pgTAP files, each in a transaction on a database of its own",
  arguments: { files: many(path("files"), "pgTAP files or globs (default: tests/pgtap/)") },
  options: {
    inPlace: flag("on the branch's own database, rolled back, instead of a copy of the migrated template"),
    jobs: option(count("number", { most: 1000 }), "files at a time (default: one a core)"),
    ...writing,
  },
  async run({ inPlace, jobs, ...options }, { files: patterns }) {
    const { migratedTemplate } = await import("../command-line/template.ts");
    const { notCommitted } = await import("../migrate/working-state.ts");
    const { onClones, onDatabase } = await import("../pgtap/databases.ts");
    const { findTests } = await import("../pgtap/find-tests.ts");
    const { runFiles } = await import("../pgtap/run-files.ts");
    const { countAssertions, fileAsTap } = await import("../pgtap/tap-output.ts");
    const root = projectRoot();
    const files = findTests(root, patterns);
    return withClient(options, "writes", "test", async ({ client, target: { url } }) => {
      const clones = async () => {
        const stopProgress = progress("preparing the template: setup, migrations, pgTAP");
        return onClones(client, url, await migratedTemplate(client, url, root).finally(stopProgress));
      };
      const withDatabase = inPlace ? onDatabase(url) : await clones();
      // The template has what is not committed too: a comment says so.
      const others = inPlace ? [] : notCommitted(root);
      print(`TAP version 14\n${others.length === 0 ? "" : `# not committed: ${others.join(", ")}\n`}`);
      let number = 0;
      const withdraw = onInterrupt(
        () =>
          `${number} of ${files.length} files were run. Nothing of theirs lasts, and the databases made for them are dropped; run it again from the start.`,
      );
      const onResult = (result: Parameters<typeof fileAsTap>[0]) => print(fileAsTap(result, ++number));
      const results = await runFiles(files, { jobs, withDatabase, shared: inPlace, onResult });
      withdraw();
      const { passed, failed } = countAssertions(results);
      const skipped = results.filter((result) => result.skipped).length;
      const note = skipped > 0 ? `# ${skipped} files skipped\n` : "";
      const incomplete = skipped > 0 ? exitCodes.incomplete : exitCodes.clean;
      return {
        text: `1..${number}\n# ${passed} passed, ${failed} failed\n${note}`,
        exitCode: failed > 0 ? exitCodes.findings : incomplete,
      };
    });
  },
});

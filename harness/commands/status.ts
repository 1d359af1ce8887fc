import { command } from "../command-line/command.ts";
import { withClient } from "../command-line/session.ts";
import { json, reading } from "../command-line/shared-options.ts";
import { exitCodes } from "../core/errors.ts";
import { projectRoot } from "../core/project.ts";

/** Exit code 1 if the branch's ledger and the files are at odds, or something is pending. */
export default command({
  summary: "say which migrations a branch has; changes nothing",
  options: { ...reading, ...json },
  async run(options) {
    const { migrationStatus } = await import("../migrate/ledger.ts");
    const { describeMigrations, isUpToDate } = await import("../migrate/status-text.ts");
    const { inTransaction } = await import("../sql/transaction.ts");
    return withClient(options, "reads", "status", async ({ client, target }) => {
      const migrations = await inTransaction(client, "read only", () =>
        migrationStatus(client, projectRoot()),
      );
      const upToDate = isUpToDate(migrations);
      return {
        json: { branch: target.branch, upToDate, migrations },
        text: describeMigrations(migrations),
        exitCode: upToDate ? exitCodes.clean : exitCodes.findings,
      };
    });
  },
});

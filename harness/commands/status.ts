import pc from "picocolors";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { jsonOutput } from "../core/json-output.ts";
import { projectRoot } from "../core/project.ts";
import { type MigrationState, migrationStatus } from "../migrate/ledger.ts";
import { inTransaction } from "../sql/transaction.ts";
import type { DatabaseOptions } from "./options.ts";
import { withClient } from "./with-target.ts";

/** Which migrations a branch has. Exit code 1 if its ledger and the files are at odds, or something is pending. */
export async function status(options: DatabaseOptions): Promise<ExitCode> {
  return withClient(options, "reads", "status", async ({ client, target }) => {
    const migrations = await inTransaction(client, "read only", () => migrationStatus(client, projectRoot()));
    const upToDate = migrations.every(({ state }) => state === "applied");
    if (options.json) {
      process.stdout.write(jsonOutput({ branch: target.branch, upToDate, migrations }));
    } else {
      for (const { file, state, appliedAt } of migrations)
        process.stdout.write(`  ${marks[state]} ${file}  ${pc.dim(appliedAt ?? state)}\n`);
      process.stdout.write(
        upToDate ? "Up to date\n" : "Not up to date: harness apply applies what is pending\n",
      );
    }
    return upToDate ? exitCodes.clean : exitCodes.findings;
  });
}

const marks: Record<MigrationState, string> = {
  applied: pc.green("✓"),
  pending: pc.yellow("+"),
  changed: pc.red("≠"),
  missing: pc.red("✗"),
};

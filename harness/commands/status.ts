import { type ExitCode, exitCodes } from "../core/errors.ts";
import { projectRoot } from "../core/project.ts";
import { type MigrationState, migrationStatus } from "../migrate/ledger.ts";
import { inTransaction } from "../sql/transaction.ts";
import { paint } from "../terminal/color.ts";
import { jsonOutput } from "../terminal/json-output.ts";
import { print } from "../terminal/output.ts";
import type { DatabaseOptions } from "./options.ts";
import { withClient } from "./with-target.ts";

/** Which migrations a branch has. Exit code 1 if its ledger and the files are at odds, or something is pending. */
export async function status(options: DatabaseOptions): Promise<ExitCode> {
  return withClient(options, "reads", "status", async ({ client, target }) => {
    const migrations = await inTransaction(client, "read only", () => migrationStatus(client, projectRoot()));
    const upToDate = migrations.every(({ state }) => state === "applied");
    if (options.json) {
      print(jsonOutput({ branch: target.branch, upToDate, migrations }));
    } else {
      for (const { file, state, appliedAt } of migrations)
        print(`  ${marks[state]} ${file}  ${paint.dim(appliedAt ?? state)}\n`);
      print(upToDate ? "Up to date\n" : "Not up to date: harness apply applies what is pending\n");
    }
    return upToDate ? exitCodes.clean : exitCodes.findings;
  });
}

const marks: Record<MigrationState, string> = {
  applied: paint.green("✓"),
  pending: paint.yellow("+"),
  changed: paint.red("≠"),
  missing: paint.red("✗"),
};

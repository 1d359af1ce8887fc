import { protectedAs } from "../branches/protection.ts";
import { type ExitCode, HarnessError } from "../core/errors.ts";
import { progress } from "../core/progress.ts";
import { exitCodeOf, type Severity, severities } from "../core/results.ts";
import type { Report } from "../report/report.ts";
import { checkFormats, writeReport } from "../report/write.ts";
import { requireIsolation } from "../tenancy/config.ts";
import { loadModel, requireTables } from "../tenancy/model.ts";
import { verify as runVerification, type Verification } from "../verify/engine.ts";
import type { DatabaseOptions } from "./options.ts";
import { type Session, withClient } from "./with-target.ts";

export interface VerifyOptions extends DatabaseOptions {
  output?: string[];
  failOn?: string;
}

/** Proves a branch's tenant isolation, or shows where it leaks. */
export async function verify(options: VerifyOptions): Promise<ExitCode> {
  const outputs = options.json ? ["json"] : (options.output ?? ["tty"]);
  checkFormats(outputs);
  const failOn = severityOf(options.failOn ?? "medium");
  return withClient(options, "reads", "verify", async (session) => {
    const model = await loadModel(session.client, requireIsolation(session.config));
    requireTables(model);
    const stopProgress = progress(`verifying ${model.tables.length} tables`);
    const verification = await runVerification(session.client, model).finally(stopProgress);
    const exitCode = exitCodeOf(verification.results, failOn);
    await writeReport(reportOf(session, verification, exitCode), outputs);
    return exitCode;
  });
}

function severityOf(name: string): Severity {
  if (severities.includes(name as Severity)) return name as Severity;
  const message = `--fail-on does not know "${name}"`;
  throw new HarnessError({
    code: "unknown-severity",
    message,
    hint: `Choose from ${severities.join(", ")}.`,
  });
}

function reportOf(
  { target, config }: Session,
  { model, summary, results }: Verification,
  exitCode: ExitCode,
): Report {
  const { isolation, tables, database, user, superuser, inRecovery, serverVersion, flavor } = model;
  return {
    schemaVersion: 1,
    target: {
      branch: target.branch,
      provider: target.provider,
      database,
      user,
      superuser,
      inRecovery,
      serverVersion,
      flavor,
      protected: protectedAs(target, config) !== null,
    },
    model: {
      tenantColumn: isolation.tenantColumn,
      tenantRoles: isolation.tenantRoles,
      context: { claim: isolation.context.claim ?? null, setting: isolation.context.setting ?? null },
      tables: tables.map(({ relation, tenantColumn, type }) => ({ table: relation, tenantColumn, type })),
      exempt: Object.entries(isolation.exempt).map(([table, reason]) => ({ table, reason })),
    },
    summary,
    exitCode,
    results,
  };
}

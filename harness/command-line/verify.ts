import { type Session, withClient } from "../command-line/session.ts";
import type { Config } from "../config/schema.ts";
import { type ExitCode, HarnessError } from "../core/errors.ts";
import { type CheckInfo, countOutcomes, exitCodeOf, type Severity } from "../core/results.ts";
import { describeDiscovery } from "../isolation/discovery/describe.ts";
import { obtainModel } from "../isolation/discovery/obtain-model.ts";
import { requireTables } from "../isolation/model.ts";
import { keyFromEnvironment } from "../pii/key.ts";
import { checkFixOption, type FixOption, writeFix } from "../report/fix.ts";
import type { Report } from "../report/report.ts";
import { countsOf, judgementOf } from "../report/verdict.ts";
import { checkFormats, parseOutput, writeReport } from "../report/write.ts";
import { protectedAs } from "../targets/protection.ts";
import { connect } from "../targets/session/connection.ts";
import { note } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";
import { type BaselineOptions, checkBaselineOptions, withBaseline } from "../verify/baseline.ts";
import { loadChecks } from "../verify/checks.ts";
import { verify as runVerification, type Verification } from "../verify/engine.ts";
import type { Depth } from "../verify/observe.ts";
import { applyWaivers, manageWaivers } from "../verify/waivers.ts";
import type { Writing } from "./shared-options.ts";

export interface VerifyOptions extends Writing, BaselineOptions {
  json: boolean;
  output: string[];
  /** Least severity that makes the exit code 1. */
  failOn: Severity;
  fix: FixOption | undefined;
}

/** Proves a branch's tenant isolation, or shows where it leaks. */
export async function verify(options: VerifyOptions): Promise<ExitCode> {
  const outputs = outputsOf(options);
  checkFixOption(options.fix);
  checkBaselineOptions(options);
  const piiKey = keyFromEnvironment("HARNESS_PII_KEY");
  return withClient(options, "reads", "verify", async (session) => {
    const { model, discovery } = await obtainModel(session.client, session.config);
    if (discovery) say(describeDiscovery(discovery));
    requireTables(model);
    const stopProgress = progress(`verifying ${model.tables.length} tables`);
    const depth = depthFor(session, options.confirm);
    const another = () => connect(session.target.url, { purpose: "verify" }).catch(() => null);
    const found = await runVerification(session.client, model, { depth, piiKey, connect: another }).finally(
      stopProgress,
    );
    const verification = withoutWaived(found, session.config, options);
    const exitCode = exitCodeOf(verification.results, options.failOn);
    const report = reportOf(session, verification, exitCode);
    await writeReport(report, outputs);
    if (options.fix) say(await writeFix(report.results, options.fix));
    if (options.fix === true) say(`${judgementOf(report)}: ${countsOf(report)}`);
    return exitCode;
  });
}

/** A protected branch gets catalogue checks and plans, until it is named again. */
function depthFor({ target, config }: Session, confirm: string | undefined): Depth {
  const name = protectedAs(target, config);
  if (!name || confirm === name) return "probe";
  say(`${name} is protected: its rows and policies are left alone, plans only (--confirm ${name} probes it)`);
  return "explain";
}

/** @throws HarnessError `unknown-format`, `stdout-taken` (by the SQL of --fix, which has to be runnable as it comes) */
function outputsOf({ json, output, fix }: VerifyOptions): string[] {
  const chosen = output.length > 0 ? output : fix === true ? [] : ["tty"];
  const outputs = json ? ["json"] : chosen;
  checkFormats(outputs);
  const onStdout = outputs.map(parseOutput).find(({ path }) => path === null);
  if (fix !== true || !onStdout) return outputs;
  throw new HarnessError({
    code: "stdout-taken",
    message: `--fix prints SQL, and the ${onStdout.name} report would be in between`,
    hint: `Write one of them to a file: --fix=current, or -o ${onStdout.name}=PATH.`,
  });
}

/** What was found, with the accepted and the known findings set apart. */
function withoutWaived(found: Verification, { waivers }: Config, options: BaselineOptions): Verification {
  const checks: CheckInfo[] = [...loadChecks(), manageWaivers];
  const today = new Date().toISOString().slice(0, 10);
  const { results: counted, answers } = applyWaivers(found.results, waivers, checks, today);
  const { results, note } = withBaseline(counted, options, checks);
  if (note) say(note);
  const all = [...results, ...answers];
  return { ...found, results: all, summary: { ...found.summary, ...countOutcomes(all) } };
}

function say(text: string): void {
  note(`${text}`);
}

function reportOf(
  { target, config }: Session,
  { model, summary, results }: Verification,
  exitCode: ExitCode,
): Report {
  const { isolation, tables, database, user, superuser, inRecovery, serverVersion, flavor } = model;
  const { source, confidence, notes } = model;
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
      source,
      confidence,
      notes,
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

import { onInterrupt } from "../core/cleanup.ts";
import { type ExitCode, HarnessError } from "../core/errors.ts";
import type { Severity } from "../core/results.ts";
import { describeDiscovery } from "../isolation/discovery/describe.ts";
import { obtainModel } from "../isolation/discovery/obtain-model.ts";
import { requireTables } from "../isolation/model.ts";
import { subjectOf } from "../isolation/subject.ts";
import { keyFromEnvironment } from "../pii/key.ts";
import { checkFixOption, type FixOption, writeFix } from "../report/fix.ts";
import { type BaselineOptions, checkBaselineOptions } from "../report/judge/baseline.ts";
import { judge } from "../report/judge/judge.ts";
import { countsOf, judgementOf } from "../report/verdict.ts";
import { checkFormats, parseOutput, writeReport } from "../report/write.ts";
import { protectedAs } from "../targets/protection.ts";
import { connect } from "../targets/session/connection.ts";
import { note as say } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";
import { loadChecks } from "../verify/checks.ts";
import { verify as runVerification } from "../verify/engine.ts";
import type { Depth } from "../verify/observe.ts";
import { type Session, withClient } from "./session.ts";
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
  const secrets = { HARNESS_PII_KEY: keyFromEnvironment("HARNESS_PII_KEY") };
  return withClient(options, "reads", "verify", async (session) => {
    const withdraw = onInterrupt(
      () =>
        "there is no verdict. Probes are rolled back and nothing was changed; run it again from the start.",
    );
    const { model, discovery } = await obtainModel(session.client, session.config);
    if (discovery) say(describeDiscovery(discovery));
    requireTables(model);
    const stopProgress = progress(`verifying ${model.tables.length} tables`);
    const depth = depthFor(session, options.confirm);
    const another = () => connect(session.target.url, { purpose: "verify" }).catch(() => null);
    const checks = loadChecks();
    const asked = { checks, depth, secrets, connect: another };
    const found = await runVerification(session.client, model, asked).finally(stopProgress);
    withdraw();
    const { branch, provider } = session.target;
    const subject = subjectOf(model, {
      branch,
      provider,
      protected: protectedAs(session.target, session.config) !== null,
    });
    const sections = [{ name: "verify", asked: checks, ...found }];
    const { report, note } = judge(subject, sections, {
      ...options,
      checks,
      waivers: session.config.waivers,
    });
    if (note) say(note);
    await writeReport(report, outputs);
    if (options.fix) say(await writeFix(report.results, options.fix));
    if (options.fix === true) say(`${judgementOf(report)}: ${countsOf(report)}`);
    return report.exitCode;
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

import pc from "picocolors";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { jsonOutput } from "../core/json-output.ts";
import { printable } from "../core/printable.ts";
import { printableSql } from "../core/printable-sql.ts";
import { applySetup, type ContextSource, checkSetup, type StepReport } from "../setup/setup.ts";
import type { DatabaseOptions } from "./options.ts";
import { withClient } from "./with-target.ts";

export interface SetupOptions extends DatabaseOptions {
  /** Change nothing, say what is missing. */
  check?: boolean | undefined;
  context?: ContextSource | undefined;
}

/** The per-branch set-up. Exit code 1 if --check finds something missing. */
export async function setup(options: SetupOptions): Promise<ExitCode> {
  const { check = false } = options;
  return withClient(options, check ? "reads" : "writes", "setup", async ({ client, target }) => {
    const steps = check ? await checkSetup(client) : await applySetup(client, options.context);
    const missing = steps.reduce((sum, step) => sum + step.missing.length, 0);
    process.stdout.write(
      options.json ? jsonOutput({ branch: target.branch, check, missing, steps }) : describe(steps, check),
    );
    return check && missing > 0 ? exitCodes.findings : exitCodes.clean;
  });
}

function describe(steps: StepReport[], check: boolean): string {
  const lines: string[] = [];
  for (const { title, state, missing } of steps) {
    const supplied = !check && missing.length > 0;
    lines.push(`  ${supplied ? pc.green("+") : marks[state]} ${title}`);
    if (check) {
      for (const { object, missing: what, statement } of missing) {
        lines.push(
          `      ${printable(`${object}: ${what}`)}`,
          ...(statement ? [pc.cyan(`        ${printableSql(statement)}`)] : []),
        );
      }
    } else {
      for (const { statement, object } of missing)
        lines.push(pc.dim(`      ${statement ? printableSql(statement) : printable(object)}`));
    }
  }
  const count = steps.reduce((sum, step) => sum + step.missing.length, 0);
  const verdict =
    count === 0
      ? "Set up: nothing was missing"
      : check
        ? pc.red(`Not set up: ${count} missing (harness setup supplies them)`)
        : `Set up: ${count} supplied`;
  return `${[pc.bold("harness setup"), ...lines, verdict].join("\n")}\n`;
}

const marks: Record<StepReport["state"], string> = {
  done: pc.green("✓"),
  missing: pc.red("✗"),
  unknown: pc.yellow("?"),
};

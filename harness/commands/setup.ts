import type { Client } from "pg";
import pc from "picocolors";
import { onInterrupt } from "../core/cleanup.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { jsonOutput } from "../core/json-output.ts";
import { printable } from "../core/printable.ts";
import { printableSql } from "../core/printable-sql.ts";
import { obtainModel } from "../isolation/discovery/obtain-model.ts";
import {
  applySetup,
  type ContextSource,
  checkSetup,
  isOurs,
  leftAlone,
  planSetup,
  type StepReport,
} from "../setup/setup.ts";
import { verifierSql } from "../setup/verifier.ts";
import type { DatabaseOptions } from "./options.ts";
import { type Session, withClient } from "./with-target.ts";

export interface SetupOptions extends DatabaseOptions {
  /** Change nothing, say what is missing. */
  check?: boolean | undefined;
  context?: ContextSource | undefined;
  /** Goes ahead on a database that is not of harness's making. */
  yes?: boolean | undefined;
  /** Change nothing, print the SQL of a login that may run `harness verify` and nothing else. */
  verifier?: boolean | undefined;
}

/** The per-branch set-up. Exit code 1 if --check finds something missing. */
export async function setup(options: SetupOptions): Promise<ExitCode> {
  const { check = false } = options;
  if (options.verifier) return printVerifier(options);
  return withClient(options, check ? "reads" : "writes", "setup", async (session) => {
    const { client } = session;
    if (!check) await requireConsent(session, options);
    const withdraw = onInterrupt(
      () =>
        "each step is done or not begun. `harness setup` goes on with what is missing (--check shows it).",
    );
    const steps = check ? await checkSetup(client) : await applySetup(client, options.context);
    withdraw();
    print(session, options, steps, check ? "check" : "done", await leftAlone(client));
    const missing = steps.some((step) => step.missing.length > 0);
    return check && missing ? exitCodes.findings : exitCodes.clean;
  });
}

async function printVerifier(options: SetupOptions): Promise<ExitCode> {
  return withClient(options, "reads", "setup", async ({ client, config }) => {
    const { model } = await obtainModel(client, config);
    const { database, isolation, serverVersion } = model;
    process.stdout.write(
      printableSql(verifierSql(database, isolation.tenantRoles, Number.parseInt(serverVersion, 10))),
    );
    return exitCodes.clean;
  });
}

/** @throws HarnessError `setup-unconfirmed`, after showing the plan, where grants would open tables of somebody else's making */
async function requireConsent(session: Session & { client: Client }, options: SetupOptions): Promise<void> {
  const { client, target, config } = session;
  if (options.yes || config.setup || target.provider === "local" || (await isOurs(client))) return;
  const plan = await planSetup(client);
  if (plan.every((step) => step.missing.length === 0)) return;
  print(session, options, plan, "plan", await leftAlone(client));
  throw new HarnessError({
    code: "setup-unconfirmed",
    message: "these tables are not of harness's making, and nothing was changed",
    hint: 'Read the plan above, then add --yes, or "setup": { "schemas": ["public"] } to harness.config.json.',
  });
}

type Kind = "check" | "plan" | "done";

function print(
  { target }: Session,
  { json }: SetupOptions,
  steps: StepReport[],
  kind: Kind,
  notes: string[],
): void {
  const missing = steps.reduce((sum, step) => sum + step.missing.length, 0);
  const { branch } = target;
  process.stdout.write(
    json
      ? jsonOutput({
          branch,
          check: kind === "check",
          planned: kind === "plan",
          missing,
          steps,
          leftAlone: notes,
        })
      : describe(steps, kind, notes),
  );
}

function describe(steps: StepReport[], kind: Kind, notes: string[]): string {
  const lines: string[] = [];
  for (const { title, state, missing } of steps) {
    const supplied = kind === "done" && missing.length > 0;
    lines.push(
      `  ${supplied ? pc.green("+") : marks[kind === "plan" && missing.length > 0 ? "missing" : state]} ${title}`,
    );
    if (kind !== "done") {
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
      : {
          check: pc.red(`Not set up: ${count} missing (harness setup supplies them)`),
          plan: `Planned: ${count} statements, none of which lasts yet`,
          done: `Set up: ${count} supplied`,
        }[kind];
  const asides = notes.map((note) => `  ${pc.yellow("!")} ${note}`);
  return `${[pc.bold("harness setup"), ...lines, ...asides, verdict].join("\n")}\n`;
}

const marks: Record<StepReport["state"], string> = {
  done: pc.green("✓"),
  missing: pc.red("✗"),
  unknown: pc.yellow("?"),
};

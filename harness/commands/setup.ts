import type { Client } from "pg";
import type { DatabaseOptions } from "../command-line/database-options.ts";
import { jsonOutput } from "../command-line/json-output.ts";
import { type Session, withClient } from "../command-line/session.ts";
import { onInterrupt } from "../core/cleanup.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
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
import { paint } from "../terminal/color.ts";
import { print } from "../terminal/output.ts";

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
    show(session, options, steps, check ? "check" : "done", await leftAlone(client));
    const missing = steps.some((step) => step.missing.length > 0);
    return check && missing ? exitCodes.findings : exitCodes.clean;
  });
}

async function printVerifier(options: SetupOptions): Promise<ExitCode> {
  return withClient(options, "reads", "setup", async ({ client, config }) => {
    const { model } = await obtainModel(client, config);
    const { database, isolation, serverVersion } = model;
    print(printableSql(verifierSql(database, isolation.tenantRoles, Number.parseInt(serverVersion, 10))));
    return exitCodes.clean;
  });
}

/** @throws HarnessError `setup-unconfirmed`, after showing the plan, where grants would open tables of somebody else's making */
async function requireConsent(session: Session & { client: Client }, options: SetupOptions): Promise<void> {
  const { client, target, config } = session;
  if (options.yes || config.setup || target.provider === "local" || (await isOurs(client))) return;
  const plan = await planSetup(client);
  if (plan.every((step) => step.missing.length === 0)) return;
  show(session, options, plan, "plan", await leftAlone(client));
  throw new HarnessError({
    code: "setup-unconfirmed",
    message: "these tables are not of harness's making, and nothing was changed",
    hint: 'Read the plan above, then add --yes, or "setup": { "schemas": ["public"] } to harness.config.json.',
  });
}

type Kind = "check" | "plan" | "done";

function show(
  { target }: Session,
  { json }: SetupOptions,
  steps: StepReport[],
  kind: Kind,
  notes: string[],
): void {
  const missing = steps.reduce((sum, step) => sum + step.missing.length, 0);
  const { branch } = target;
  print(
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
      `  ${supplied ? paint.green("+") : marks[kind === "plan" && missing.length > 0 ? "missing" : state]} ${title}`,
    );
    if (kind !== "done") {
      for (const { object, missing: what, statement } of missing) {
        lines.push(
          `      ${printable(`${object}: ${what}`)}`,
          ...(statement ? [paint.cyan(`        ${printableSql(statement)}`)] : []),
        );
      }
    } else {
      for (const { statement, object } of missing)
        lines.push(paint.dim(`      ${statement ? printableSql(statement) : printable(object)}`));
    }
  }
  const count = steps.reduce((sum, step) => sum + step.missing.length, 0);
  const verdict =
    count === 0
      ? "Set up: nothing was missing"
      : {
          check: paint.red(`Not set up: ${count} missing (harness setup supplies them)`),
          plan: `Planned: ${count} statements, none of which lasts yet`,
          done: `Set up: ${count} supplied`,
        }[kind];
  const asides = notes.map((note) => `  ${paint.yellow("!")} ${note}`);
  return `${[paint.bold("harness setup"), ...lines, ...asides, verdict].join("\n")}\n`;
}

const marks: Record<StepReport["state"], string> = {
  done: paint.green("✓"),
  missing: paint.red("✗"),
  unknown: paint.yellow("?"),
};

import type { Client } from "pg";
import type { Answer } from "../command-line/command.ts";
import { command } from "../command-line/command.ts";
import { flag, option, type ValuesOf } from "../command-line/option.ts";
import { type Session, withClient } from "../command-line/session.ts";
import { json, writing } from "../command-line/shared-options.ts";
import { choice } from "../command-line/values.ts";
import { onInterrupt } from "../core/cleanup.ts";
import { exitCodes, HarnessError } from "../core/errors.ts";
import { printableSql } from "../core/printable-sql.ts";
import type { StepReport } from "../setup/setup.ts";
import type { Kind } from "../setup/setup-text.ts";

const options = {
  context: option(
    choice("source", ["claims", "setting", "both"]),
    "what says who the tenant is: claims, setting or both",
  ),
  check: flag("change nothing, say what is missing"),
  yes: flag("go ahead on a database that is not of harness's making, having read the plan"),
  verifier: flag("change nothing, print the SQL of a login that can run verify and nothing else"),
  ...json,
  ...writing,
};

type Given = ValuesOf<typeof options>;

/** Exit code 1 if --check finds something missing. */
export default command({
  summary: "per-branch set-up: extension, roles, membership, grants, default privileges",
  options,
  run: (given) => (given.verifier ? verifier(given) : given.check ? check(given) : setUp(given)),
});

const setUp = (given: Given): Promise<Answer> =>
  withClient(given, "writes", "setup", async (session) => {
    const { applySetup } = await import("../setup/setup.ts");
    const refusal = await refusalOf(session, given);
    if (refusal) return refusal;
    const withdraw = onInterrupt(
      () =>
        "each step is done or not begun. `harness setup` goes on with what is missing (--check shows it).",
    );
    const steps = await applySetup(session.client, given.context);
    withdraw();
    return answer(session, "done", steps);
  });

const check = (given: Given): Promise<Answer> =>
  withClient(given, "reads", "setup", async (session) => {
    const { checkSetup } = await import("../setup/setup.ts");
    const steps = await checkSetup(session.client);
    const sound = steps.every(({ missing }) => missing.length === 0);
    return {
      ...(await answer(session, "check", steps)),
      exitCode: sound ? exitCodes.clean : exitCodes.findings,
    };
  });

const verifier = (given: Given): Promise<Answer> =>
  withClient(given, "reads", "setup", async ({ client, config }) => {
    const { obtainModel } = await import("../isolation/discovery/obtain-model.ts");
    const { verifierSql } = await import("../setup/verifier.ts");
    const { model } = await obtainModel(client, config);
    const { database, isolation, serverVersion } = model;
    const sql = verifierSql(database, isolation.tenantRoles, Number.parseInt(serverVersion, 10));
    return { text: printableSql(sql) };
  });

/** The plan, where grants would open tables of somebody else's making and nobody said yes. */
async function refusalOf(session: Session & { client: Client }, { yes }: Given): Promise<Answer | null> {
  const { isOurs, planSetup } = await import("../setup/setup.ts");
  const { client, target, config } = session;
  if (yes || config.setup || target.provider === "local" || (await isOurs(client))) return null;
  const plan = await planSetup(client);
  if (plan.every(({ missing }) => missing.length === 0)) return null;
  const error = new HarnessError({
    code: "setup-unconfirmed",
    message: "these tables are not of harness's making, and nothing was changed",
    hint: 'Read the plan above, then add --yes, or "setup": { "schemas": ["public"] } to harness.config.json.',
  });
  return { ...(await answer(session, "plan", plan)), error };
}

async function answer(
  { client, target }: Session & { client: Client },
  kind: Kind,
  steps: StepReport[],
): Promise<Answer> {
  const { leftAlone } = await import("../setup/setup.ts");
  const { countMissing, describeSetup } = await import("../setup/setup-text.ts");
  const notes = await leftAlone(client);
  const [missing, { branch }] = [countMissing(steps), target];
  const [isCheck, planned] = [kind === "check", kind === "plan"];
  return {
    json: { branch, check: isCheck, planned, missing, steps, leftAlone: notes },
    text: describeSetup(steps, kind, notes),
  };
}

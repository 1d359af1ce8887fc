import type { Client } from "pg";
import type { Outcome, Result } from "../core/results.ts";
import type { IsolationModel } from "../isolation/model.ts";
import { surveyGround } from "../sql/act-as/ground.ts";
import { inTransaction } from "../sql/transaction.ts";
import { askAll } from "./ask.ts";
import { type Check, loadChecks } from "./checks.ts";
import { contextsFor } from "./contexts.ts";
import type { Observations } from "./observations.ts";
import type { Assignment, Depth } from "./observe.ts";
import { type Connect, Pass } from "./pass.ts";
import { runSurveys } from "./run-surveys.ts";
import type { Circumstances } from "./survey.ts";

export interface Verification {
  results: Result[];
  durationMs: number;
}

export interface VerifyOptions {
  checks?: Check[];
  depth?: Depth;
  /** Opens another connection to the same database, if the server has one to give: with many tables that pays. */
  connect?: Connect;
  secrets?: Circumstances["secrets"];
}

/** From here on a second connection is worth opening. */
const manyTables = 200;
/**
 * Asks every check about a database: first the probe run, which observes what tenant roles can do, then each check over the
 * observations and the catalogue, a round trip each. Every transaction is rolled back.
 */
export async function verify(
  client: Client,
  model: IsolationModel,
  options: VerifyOptions = {},
): Promise<Verification> {
  const { checks = loadChecks(), depth = "probe", secrets = {}, connect = async () => null } = options;
  const started = performance.now();
  const contexts = contextsFor(model);
  const roles = await reachableRoles(client, model);
  const ground = await surveyGround(client, roles);
  const assignment: Assignment = { model, roles, contexts, depth, ground };
  const nothingYet: Observations = { tables: [], holes: [] };
  const [waiting, ready] = [
    checks.filter(({ observes }) => observes),
    checks.filter(({ observes }) => !observes),
  ];
  const surveyed = await runSurveys(client, checks, { depth, secrets });
  const pass = new Pass(assignment, connect);
  const workers = model.tables.length < manyTables ? 1 : 2;
  // What looks at definitions alone is asked beside the probe run.
  const early = askAll(client, assignment, nothingYet, ready, surveyed);
  await Promise.all([early, ...Array.from({ length: workers }, () => pass.work())]);
  await pass.work(client);
  const answers = [
    ...(await early),
    ...(await askAll(client, assignment, pass.observations, waiting, surveyed)),
  ];
  const results = worstPerObject(answers).sort(inOrderOf(checks));
  return { results, durationMs: Math.round(performance.now() - started) };
}

/** The tenant roles that this session can become. Probing as the others is impossible, and 4a and 4b say why. */
async function reachableRoles(client: Client, { isolation }: IsolationModel): Promise<string[]> {
  const { rows } = await inTransaction(client, "read only", () =>
    client.query(
      `select rolname from pg_catalog.pg_roles
        where rolname = any ($1)
          and pg_has_role(session_user, oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)
        order by array_position($1, rolname::text)`,
      [isolation.tenantRoles],
    ),
  );
  return rows.map((row) => row.rolname);
}

function inOrderOf(checks: Check[]): (a: Result, b: Result) => number {
  const place = new Map(checks.map(({ code }, at) => [code, at]));
  return (a, b) => (place.get(a.code) ?? 0) - (place.get(b.code) ?? 0);
}

const rank: Outcome[] = ["pass", "waived", "skipped", "error", "fail"];

/** One answer per check and object: several roles may have spoken about it, and the worst counts. */
function worstPerObject(results: Result[]): Result[] {
  const worst = new Map<string, Result>();
  for (const result of results) {
    const key = `${result.code} ${result.object}`;
    const known = worst.get(key);
    if (!known || rank.indexOf(result.outcome) > rank.indexOf(known.outcome)) worst.set(key, result);
  }
  return [...worst.values()];
}

import type { Client, QueryResult } from "pg";
import pg from "pg";
import { countOutcomes, type Outcome, type Result, type Summary } from "../core/results.ts";
import { beginStatement } from "../database/transaction.ts";
import { contextExpression } from "../tenancy/context.ts";
import type { IsolationModel, TenantTable } from "../tenancy/model.ts";
import { piiKeySetting } from "../tenancy/pii-key.ts";
import { type Check, loadChecks, loadFacts } from "./checks.ts";
import { contextsFor } from "./contexts.ts";
import { type Assignment, type Depth, type Observations, Pass, setLocal } from "./observe.ts";

export interface Verification {
  model: IsolationModel;
  summary: Summary;
  results: Result[];
}

export interface VerifyOptions {
  checks?: Check[];
  depth?: Depth;
  /** Opens another connection to the same database, if the server has one to give: with many tables that pays. */
  connect?: () => Promise<Client | null>;
  /** The key of PII protection, for the checks that open sealed values. */
  piiKey?: string | undefined;
}

interface Answer extends Pick<Result, "object" | "outcome" | "detail" | "evidence" | "fix"> {
  severity: Result["severity"] | null;
}

/** From here on a second connection is worth opening. */
const manyTables = 200;
/** A check may take this long; it is one statement over the whole catalogue. */
const limits = { statementTimeoutMs: 60_000, lockTimeoutMs: 500 };

/**
 * Asks every check about a database: first the pass, which observes what tenant roles can do, then each check over the
 * observations and the catalogue, a round trip each. Every transaction is rolled back.
 */
export async function verify(
  client: Client,
  model: IsolationModel,
  options: VerifyOptions = {},
): Promise<Verification> {
  const { checks = loadChecks(), depth = "probe", piiKey, connect = async () => null } = options;
  const started = performance.now();
  const contexts = contextsFor(model);
  const assignment: Assignment = { model, roles: await reachableRoles(client, model), contexts, depth };
  const nothingYet: Observations = { tables: [], holes: [] };
  const [waiting, ready] = [
    checks.filter(({ observes }) => observes),
    checks.filter(({ observes }) => !observes),
  ];
  const pass = new Pass(assignment, connect);
  const early = (session: Client) => askAll(session, assignment, nothingYet, ready, piiKey);
  // What looks at definitions alone runs beside the pass, and its connection then lends a hand.
  const beside = model.tables.length < manyTables ? null : await connect();
  const help = async (session: Client) => {
    const answers = await early(session);
    await pass.work(session);
    return answers;
  };
  const [, earlier] = await Promise.all([pass.work(client), beside && help(beside)]).finally(() =>
    beside?.end(),
  );
  const answers = [
    ...(earlier ?? (await early(client))),
    ...(await askAll(client, assignment, pass.observations, waiting, piiKey)),
  ];
  const results = worstPerObject([...answers, ...undecidable(model, checks)]).sort(inOrderOf(checks));
  const summary = {
    ...countOutcomes(results),
    tables: model.tables.length,
    durationMs: Math.round(performance.now() - started),
  };
  return { model, summary, results };
}

/** Tables of which nothing can be told, each once, so that they are not silently left out. */
function undecidable({ undecidable: tables }: IsolationModel, checks: Check[]): Result[] {
  const check = checks.find(({ code }) => code === "H201");
  if (!check) return [];
  const { code, name, severity, area, docs } = check;
  return tables.map(({ relation, reason }) => {
    const answer = {
      outcome: "skipped" as const,
      object: relation,
      detail: reason,
      evidence: null,
      fix: null,
    };
    return { code, name, severity, area, ...answer, docs };
  });
}

/** The tenant roles that this session can become. Probing as the others is impossible, and 4a and 4b say why. */
async function reachableRoles(client: Client, { isolation }: IsolationModel): Promise<string[]> {
  const { rows } = await client.query(
    `select rolname from pg_catalog.pg_roles
      where rolname = any ($1)
        and pg_has_role(session_user, oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)
      order by array_position($1, rolname::text)`,
    [isolation.tenantRoles],
  );
  return rows.map((row) => row.rolname);
}

async function askAll(
  client: Client,
  assignment: Assignment,
  observations: Observations,
  checks: Check[],
  piiKey: string | undefined,
): Promise<Result[]> {
  const { model, roles: probed, contexts, depth } = assignment;
  const { tenantRoles: roles, schemas, exempt } = model.isolation;
  const expression = contextExpression(model.isolation);
  const input = { roles, probed, depth, schemas, exempt, expression, contexts };
  const open = [
    beginStatement("read only", limits),
    "set local jit = off; set local work_mem = '32MB';", // a check over 10,000 tables should not go to disk
    setLocal("harness.model", JSON.stringify(input)),
    setLocal("harness.tables", JSON.stringify(byKind(model.tables))),
    setLocal("harness.observations", JSON.stringify(observations)),
  ];
  try {
    await client.query(open.join("\n"));
    for (const { setting, sql } of loadFacts()) {
      if (!checks.some((check) => check.sql.includes(setting))) continue;
      await client.query(`select set_config('${setting}', (${sql}\n)::text, true)`);
    }
    if (piiKey) {
      await client.query("set local log_parameter_max_length_on_error = 0");
      await client.query("select set_config($1, $2, true)", [piiKeySetting, piiKey]);
    }
    const results: Result[] = [];
    for (const check of checks) results.push(...(await ask(client, check, probed.length > 0)));
    return results;
  } finally {
    await client.query("rollback").catch(() => undefined);
  }
}

/** Tables that differ in nothing but their names, together: every check reads this, and of 10,000 tables most are alike. */
function byKind(tables: TenantTable[]): object[] {
  const kinds = new Map<string, { relations: Record<string, string> }>();
  for (const { oid, relation, ...kind } of tables) {
    const key = JSON.stringify(kind);
    const known = kinds.get(key) ?? { ...kind, relations: {} };
    known.relations[oid] = relation;
    kinds.set(key, known);
  }
  return [...kinds.values()];
}

async function ask(client: Client, check: Check, probed: boolean): Promise<Result[]> {
  const { code, name, severity, area, docs } = check;
  const silent = { code, name, severity, area, object: "database", evidence: null, fix: null, docs };
  if (check.kind === "probe" && !probed) {
    const detail = "no tenant role can be reached with SET ROLE: see 4a and 4b";
    return [{ ...silent, outcome: "skipped", detail }];
  }
  try {
    // What passes needs no proof: it stays on the server.
    const question = `select object, outcome, detail, severity, case when outcome <> 'pass' then evidence end as evidence,
      case when outcome <> 'pass' then fix end as fix from (${check.sql}\n) as answer`;
    const answers = (await client.query(
      `savepoint harness_check; ${question}`,
    )) as unknown as QueryResult<Answer>[];
    return (answers.at(-1)?.rows ?? []).map((row) => ({
      code,
      name,
      area,
      ...row,
      severity: row.severity ?? severity,
      docs,
    }));
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    await client.query("rollback to savepoint harness_check");
    if (error.code === "55P03") {
      const detail = "another session holds a lock on a table that it has to read: run verify again";
      return [{ ...silent, outcome: "skipped", detail }];
    }
    const detail = `the check itself failed: ${error.message} (${error.code})`;
    return [{ ...silent, outcome: "error", detail }];
  }
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

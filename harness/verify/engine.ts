import type { Client, QueryResult } from "pg";
import pg from "pg";
import { countOutcomes, type Outcome, type Result, type Summary } from "../core/results.ts";
import { readSqlFile } from "../database/sql-file.ts";
import { beginStatement } from "../database/transaction.ts";
import { contextExpression } from "../tenancy/context.ts";
import type { IsolationModel } from "../tenancy/model.ts";
import { type Check, loadChecks } from "./checks.ts";
import { type Context, contextsFor } from "./contexts.ts";

export interface Verification {
  model: IsolationModel;
  summary: Summary;
  results: Result[];
}

interface Answer extends Pick<Result, "object" | "outcome" | "detail" | "evidence" | "fix"> {
  severity: Result["severity"] | null;
}

/** A whole pass may take two minutes; a table that somebody else has locked is given up at once, and reported. */
const limits = { statementTimeoutMs: 120_000, lockTimeoutMs: 500 };

/**
 * Asks every check about a database. Two transactions on one connection, one round trip each: everything is
 * in the first; the second asks again what a setting left behind by the first could change. Both are rolled back.
 */
export async function verify(
  client: Client,
  model: IsolationModel,
  checks: Check[] = loadChecks(),
): Promise<Verification> {
  const started = performance.now();
  const contexts = contextsFor(model.isolation, model.tables[0]?.own ?? "");
  const reachable = await reachableRoles(client, model);
  const first = await runPass(client, model, reachable, contexts, checks, { acts: true, last: false });
  const again = checks.filter((check) => check.bothPasses);
  const second = await runPass(client, model, reachable, contexts, again, { acts: false, last: true });
  for (const result of second) {
    if (result.outcome !== "pass") result.detail += ", in a second transaction of one connection";
  }
  const results = worstPerObject([...first, ...second]);
  const summary = {
    ...countOutcomes(results),
    tables: model.tables.length,
    durationMs: Math.round(performance.now() - started),
  };
  return { model, summary, results };
}

/** The tenant roles that this session can become. Probing as the others is impossible, and 4a and 4b say why. */
async function reachableRoles(client: Client, { isolation }: IsolationModel): Promise<string[]> {
  const { rows } = await client.query(
    `select rolname from pg_catalog.pg_roles
      where rolname = any ($1)
        and pg_has_role(session_user, oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)
      order by rolname`,
    [isolation.tenantRoles],
  );
  return rows.map((row) => row.rolname);
}

async function runPass(
  client: Client,
  model: IsolationModel,
  probed: string[],
  contexts: Context[],
  checks: Check[],
  pass: { acts: boolean; last: boolean },
): Promise<Result[]> {
  const { tenantRoles: roles, schemas, exempt } = model.isolation;
  const expression = contextExpression(model.isolation);
  const input = { ...pass, roles, probed, schemas, exempt, expression, tables: model.tables, contexts };
  const open = [
    beginStatement(model.inRecovery ? "read only" : "read write", limits),
    "set local jit = off;", // compiling a plan that runs once costs more than it saves
    setLocal("harness.model", JSON.stringify(input)),
    setLocal("harness.observations", JSON.stringify({ tables: [], holes: [] })),
  ].join("\n");
  const probes = readSqlFile("harness/verify/probes/pass.sql").text;
  let unprobed = probed.length === 0 ? "no tenant role can be reached with SET ROLE: see 4a and 4b" : null;
  try {
    if (!unprobed) {
      try {
        await client.query(`${open}\n${probes}\nset local role none;`);
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error;
        unprobed = `the probes could not run: ${error.message} (${error.code})`;
        await client.query(`rollback; ${open}`);
      }
    } else {
      await client.query(open);
    }
    const results: Result[] = [];
    for (const check of checks) results.push(...(await ask(client, check, unprobed)));
    return results;
  } finally {
    await client.query("rollback").catch(() => undefined);
  }
}

async function ask(client: Client, check: Check, unprobed: string | null): Promise<Result[]> {
  const { code, name, severity, area, docs } = check;
  const silent = { code, name, severity, area, object: "database", evidence: null, fix: null, docs };
  if (check.kind === "probe" && unprobed) return [{ ...silent, outcome: "skipped", detail: unprobed }];
  try {
    const answers = (await client.query(
      `savepoint harness_check; ${check.sql}`,
    )) as unknown as QueryResult<Answer>[];
    return (answers.at(-1)?.rows ?? []).map((row) => {
      const shown = row.outcome === "pass" ? { ...row, evidence: null, fix: null } : row;
      return { code, name, area, ...shown, severity: row.severity ?? severity, docs };
    });
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    await client.query("rollback to savepoint harness_check");
    return [
      { ...silent, outcome: "error", detail: `the check itself failed: ${error.message} (${error.code})` },
    ];
  }
}

function setLocal(name: string, value: string): string {
  return `select set_config('${name}', ${pg.escapeLiteral(value)}, true);`;
}

const rank: Outcome[] = ["pass", "waived", "skipped", "error", "fail"];

/** One answer per check and object: several roles and both transactions may have spoken about it, and the worst counts. */
function worstPerObject(results: Result[]): Result[] {
  const worst = new Map<string, Result>();
  for (const result of results) {
    const key = `${result.code} ${result.object}`;
    const known = worst.get(key);
    if (!known || rank.indexOf(result.outcome) > rank.indexOf(known.outcome)) worst.set(key, result);
  }
  return [...worst.values()];
}

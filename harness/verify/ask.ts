import type { Client, QueryResult } from "pg";
import pg from "pg";
import type { Result } from "../core/results.ts";
import type { TenantTable } from "../isolation/model.ts";
import { beginStatement, neutralSettings } from "../sql/transaction.ts";
import { type Check, loadFacts } from "./checks.ts";
import type { Observations } from "./observations.ts";
import type { Assignment } from "./observe.ts";
import { limits, modelDocument, questionOf, setLocal } from "./question.ts";
import { reads, type Surveyed } from "./run-surveys.ts";
import { describeFailure, type Failure } from "./undecided.ts";

interface Answer extends Pick<Result, "object" | "outcome" | "detail" | "evidence" | "fix"> {
  severity: Result["severity"] | null;
}

/**
 * From here on a check should not go to disk. Below, the memory would cost more than it saves: the planner takes a recursion over
 * functions for a long one, and the server clears a hash table of that size, 150 ms for nothing.
 */
const manyTables = 500;

/** Asks checks in one transaction, a round trip each: one that fails takes no other with it. */
export async function askAll(
  client: Client,
  assignment: Assignment,
  observations: Observations,
  checks: Check[],
  surveyed: Surveyed[],
): Promise<Result[]> {
  const { model, roles: probed, contexts, depth } = assignment;
  const input = modelDocument(model, { probed, contexts, depth });
  const open = [
    beginStatement("read only", limits),
    neutralSettings,
    `set local jit = off; set local work_mem = '${model.tables.length > manyTables ? "32MB" : "4MB"}';`,
    setLocal("harness.model", JSON.stringify(input)),
    setLocal("harness.tables", JSON.stringify(byKind(model.tables))),
    setLocal("harness.observations", JSON.stringify(observations)),
    ...surveyed.map(({ setting, answer }) => setLocal(setting, JSON.stringify(answer))),
  ];
  try {
    await client.query(open.join("\n"));
    for (const { setting, sql } of loadFacts()) {
      if (!checks.some((check) => reads(check, setting))) continue;
      await client.query(`select set_config('${setting}', (${sql}\n)::text, true)`);
    }
    const results: Result[] = [];
    for (const check of checks) {
      const failed = surveyed.find((one) => one.failure && reads(check, one.setting));
      results.push(
        ...(failed?.failure ? [silent(check, failed.failure)] : await ask(client, check, probed.length > 0)),
      );
    }
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
  if (check.kind === "probe" && !probed) {
    const detail = "no tenant role can be reached with SET ROLE: see 4a and 4b";
    return [silent(check, { outcome: "skipped", detail })];
  }
  try {
    const answers = (await client.query(
      `savepoint harness_check; ${questionOf(check)}`,
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
    return [silent(check, describeFailure(error, "the check itself failed"))];
  }
}

/** The one answer of a check that says nothing of any object. */
function silent({ code, name, severity, area, docs }: Check, failure: Failure): Result {
  return { code, name, severity, area, object: "database", ...failure, evidence: null, fix: null, docs };
}

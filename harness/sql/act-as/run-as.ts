import pg, { type Client } from "pg";
import { HarnessError } from "../../core/errors.ts";
import { explainQueryError } from "../explain-query-error.ts";
import { type Statement, splitStatements } from "../parse/statements.ts";
import { beginStatement } from "../transaction.ts";
import { actAs } from "./act.ts";
import { howToGetGround, surveyGround } from "./ground.ts";

export interface StatementResult {
  /** Such as SELECT or INSERT. */
  command: string;
  rowCount: number;
  columns: string[];
  /** As the server prints them in JSON; a number that JavaScript can't hold stays text. */
  rows: unknown[][];
}

interface Answer {
  nobody: boolean;
  results: { rowCount: number; rows: [column: string, value: string | null, type: string][][] }[];
}

/**
 * Runs statements as a role, in one transaction that is rolled back unless `commit`. Code of the database that they reach runs as that role.
 * @param nobody SQL that is NULL if the settings name nobody
 * @throws HarnessError `transaction-control`, `no-ground`, `not-committed-safely`, and what explains an error of a statement
 */
export async function runAs(
  client: Client,
  role: string,
  sql: string,
  { settings, nobody, commit }: { settings: Record<string, string>; nobody: string; commit: boolean },
): Promise<{ nobody: boolean; results: StatementResult[] }> {
  const statements = await splitStatements(sql);
  refuseTransactionControl(statements);
  const ground = await surveyGround(client, [role]);
  if (ground.mode === "none") {
    throw new HarnessError({
      code: "no-ground",
      message: `${ground.reason}, and without it code of this database would run with the rights of this login`,
      hint: `Here, ${howToGetGround}.`,
    });
  }
  if (commit && ground.mode === "wall" && ground.deferred) {
    throw new HarnessError({
      code: "not-committed-safely",
      message: `the deferred trigger ${ground.deferred} would run at COMMIT with the rights of this login, and its function is somebody else's`,
      hint: "Use a login that is only a member of the tenant role, or leave out --commit.",
    });
  }
  const input = {
    settings,
    nobody,
    statements: statements.map(({ text, returnsRows }) => ({ text, returns: returnsRows })),
  };
  const act = {
    role,
    body: "harness/sql/act-as/statements.sql",
    input,
    mode: "read write" as const,
    keep: commit,
  };
  try {
    const message = [beginStatement("read write"), ...actAs(ground, [act]), commit ? "commit;" : "rollback;"];
    const answers = (await client.query(message.join("\n"))) as unknown as { rows: { answer?: Answer }[] }[];
    const answer = answers.flatMap(({ rows }) => rows).find((row) => row.answer)?.answer as Answer;
    return {
      nobody: answer.nobody,
      results: answer.results.map((result, at) => ({
        command: statements[at]?.command ?? "",
        rowCount: result.rowCount,
        columns: (result.rows[0] ?? []).map(([column]) => column),
        rows: result.rows.map((row) => row.map(([, value, type]) => plainValue(value, type))),
      })),
    };
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error instanceof pg.DatabaseError ? explainQueryError(error) : error;
  }
}

/** What ends our transaction would end the tenant's role with it, and go on as the owner. */
function refuseTransactionControl(statements: Statement[]): void {
  const found = statements.find(({ kind }) => kind !== "other");
  if (!found) return;
  throw new HarnessError({
    code: "transaction-control",
    message: `${found.text} has no place here: the statement runs in a transaction of harness`,
    hint: "Leave it out; --commit keeps the changes.",
  });
}

function plainValue(value: string | null, type: string): unknown {
  if (value === null) return null;
  if (type === "number") return String(Number(value)) === value ? Number(value) : value;
  if (type === "boolean") return value === "true";
  return type === "string" ? value : JSON.parse(value);
}

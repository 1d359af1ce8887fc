import { HarnessError } from "../../core/errors.ts";

export interface Statement {
  text: string;
  /** Line in the file, from 1, on which the statement itself begins (not the comment above it). */
  line: number;
  /** `begin`, `commit`, `rollback` and `savepoint` steer the transaction; everything else is `other`. */
  kind: "begin" | "commit" | "rollback" | "savepoint" | "other";
  /** Such as SELECT: the server's word for it. */
  command: string;
  returnsRows: boolean;
}

/** Statements that answer with rows by themselves; INSERT and the like do where they are told to. */
const answering = new Set(["SelectStmt", "ExplainStmt", "VariableShowStmt", "ExecuteStmt", "FetchStmt"]);

const transactionKinds: Record<string, Statement["kind"]> = {
  TRANS_STMT_BEGIN: "begin",
  TRANS_STMT_START: "begin",
  TRANS_STMT_COMMIT: "commit",
  TRANS_STMT_PREPARE: "commit",
  TRANS_STMT_ROLLBACK: "rollback",
  TRANS_STMT_SAVEPOINT: "savepoint",
  TRANS_STMT_RELEASE: "savepoint",
  TRANS_STMT_ROLLBACK_TO: "savepoint",
};

/**
 * The statements of a script, told apart by the server's own grammar.
 * @throws HarnessError `sql-syntax` with the line
 */
export async function splitStatements(sql: string, file = "the statement"): Promise<Statement[]> {
  const { parse } = await import("libpg-query");
  const bytes = Buffer.from(sql);
  let parsed: { stmts?: RawStatement[] | undefined };
  try {
    parsed = (await parse(sql)) as typeof parsed;
  } catch (cause) {
    throw syntaxError(sql, file, cause);
  }
  return (parsed.stmts ?? []).map(({ stmt, stmt_location: start = 0, stmt_len: length }) => {
    const raw = bytes.subarray(start, length ? start + length : undefined).toString();
    const lead = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(raw)?.[0] ?? "";
    const line = countLines(bytes.subarray(0, start).toString() + lead);
    return {
      text: raw.slice(lead.length),
      line,
      kind: transactionKinds[stmt?.TransactionStmt?.kind ?? ""] ?? "other",
      ...describe(stmt, raw.slice(lead.length)),
    };
  });
}

function describe(stmt: RawStatement["stmt"], text: string): Pick<Statement, "command" | "returnsRows"> {
  const [node = "", body] = Object.entries(stmt ?? {})[0] ?? [];
  const changes = /^(Select|Insert|Update|Delete|Merge)Stmt$/.exec(node)?.[1];
  const into = (body as { intoClause?: object } | undefined)?.intoClause;
  const list = (body as { returningList?: object[]; returningClause?: object } | undefined) ?? {};
  return {
    command: (changes ?? /^\w+/.exec(text)?.[0] ?? "").toUpperCase(),
    returnsRows: (answering.has(node) && !into) || Boolean(list.returningList ?? list.returningClause),
  };
}

interface RawStatement {
  stmt?: { TransactionStmt?: { kind?: string } } & Record<string, unknown>;
  stmt_location?: number;
  stmt_len?: number;
}

const countLines = (text: string) => text.split("\n").length;

function syntaxError(sql: string, file: string, cause: unknown): HarnessError {
  const { message = String(cause), cursorPosition = 0 } =
    (cause as { sqlDetails?: { message?: string; cursorPosition?: number } }).sqlDetails ?? {};
  return new HarnessError({
    code: "sql-syntax",
    message: `${file}, line ${countLines([...sql].slice(0, cursorPosition).join(""))}: ${message}`,
    hint: "Correct it; commands of psql such as \\set are not SQL.",
    cause,
  });
}

import type { Client } from "pg";
import pg from "pg";
import { readSqlFile } from "../database/sql-file.ts";
import { beginStatement } from "../database/transaction.ts";
import type { IsolationModel, TenantTable } from "../tenancy/model.ts";
import type { Context } from "./contexts.ts";

/** What the pass (probes/pass.sql) wrote down of each role and table, and of whatever is open in some context. */
export interface Observations {
  /** Tables of one role that answered alike share a row. */
  tables: { role: string; relations: string[]; [answer: string]: unknown }[];
  holes: Hole[];
}

interface Answer {
  observations?: Observations & { prepared: object[] };
}

interface Hole {
  role: string;
  relation: string;
  context: string;
  [answer: string]: unknown;
}

/** `probe` reads rows and offers one; `explain` asks for plans only, as a protected branch wants it. */
export type Depth = "probe" | "explain";

export interface Assignment {
  model: IsolationModel;
  /** Roles that the session can become. */
  roles: string[];
  contexts: Context[];
  depth: Depth;
}

/** Tables in one transaction: each keeps its locks, and those of its indexes, until the end. */
const chunkSize = 500;
/** A server process keeps what it learnt of a table, some 30 kB: after so many tables another one goes on. */
const sessionTables = 2_000;
/** A chunk may take this long, and a little more for each table; then it is divided to find the slow one. */
const tableBudgetMs = 2_000;
/** After this long no further table is tried alone. */
const patienceMs = 60_000;

/**
 * Runs the pass over all tables, each chunk in two transactions of one connection, a round trip each. A table that takes too long, or
 * breaks the pass, is found by dividing its chunk and reported by itself; the others are not affected.
 */
export async function observe(
  client: Client,
  assignment: Assignment,
  connect: () => Promise<Client | null> = async () => null,
): Promise<Observations> {
  const all: Observations = { tables: [], holes: [] };
  if (assignment.roles.length === 0) return all;
  const deadline = performance.now() + patienceMs;
  let broken = false;
  let session = client;
  let asked = 0;
  const release = async () => {
    if (session !== client) return session.end();
    if (broken) await client.query(readSqlFile("harness/verify/probes/forget.sql").text);
  };
  const waiting = divide(assignment.model.tables, Math.ceil(assignment.model.tables.length / chunkSize));
  for (let chunk = waiting.shift(); chunk; chunk = waiting.shift()) {
    let found: Observations;
    if (asked >= sessionTables) {
      const next = await connect();
      if (next) {
        await release();
        [session, asked, broken] = [next, 0, false];
      }
    }
    asked += chunk.length;
    try {
      found = await runChunk(session, assignment, chunk);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      await session.query("rollback");
      broken = true;
      const outOfTime = performance.now() > deadline;
      if (chunk.length > 1 && !outOfTime) {
        waiting.unshift(...divide(chunk, 8));
        continue;
      }
      found = undecided(assignment, chunk, outOfTime && chunk.length > 1 ? noTimeLeft : error);
    }
    all.tables.push(...found.tables);
    all.holes.push(...found.holes);
  }
  await release();
  return all;
}

const noTimeLeft = {
  code: "57014",
  message: `it was not asked: the run took more than ${patienceMs / 1000} s already`,
};

async function runChunk(
  client: Client,
  { model, roles, contexts, depth }: Assignment,
  tables: TenantTable[],
): Promise<Observations> {
  const limits = { statementTimeoutMs: tableBudgetMs + 10 * tables.length, lockTimeoutMs: 500 };
  const begin = beginStatement(model.inRecovery ? "read only" : "read write", limits);
  const pass = async (input: object) => {
    const statements = [
      begin,
      "set local jit = off;", // compiling a plan that runs once costs more than it saves
      setLocal("harness.model", JSON.stringify({ depth, ...input })),
      readSqlFile("harness/verify/probes/pass.sql").text,
      "select current_setting('harness.observations')::json as observations;",
      "rollback;",
    ];
    const answers = (await client.query(statements.join("\n"))) as unknown as { rows: Answer[] }[];
    const [answer] = answers.flatMap(({ rows }) => rows.flatMap(({ observations }) => observations ?? []));
    if (!answer) throw new Error("the pass answered nothing");
    return answer;
  };
  const first = await pass({ probed: roles, tables, contexts });
  const second = await pass({ prepared: first.prepared, contexts: contexts.filter(({ junk }) => !junk) });
  const known = new Set(first.holes.map(keyOf));
  const later = second.holes.filter((hole) => !known.has(keyOf(hole)));
  return {
    tables: first.tables,
    holes: [...first.holes, ...later.map((hole) => ({ ...hole, again: true }))],
  };
}

/** Tables that could not be asked count as undecided in every context, and never as closed. */
function undecided(
  { roles, contexts }: Assignment,
  tables: TenantTable[],
  error: { code?: string | undefined; message: string },
): Observations {
  const answer = { sqlstate: error.code ?? "XX000", message: error.message };
  const relations = tables.map(({ relation }) => relation);
  const rows = roles.flatMap((role) => relations.map((relation) => ({ role, relation })));
  return {
    tables: roles.map((role) => ({ role, relations, probed: false, ...answer })),
    holes: rows.flatMap((row) =>
      contexts.map(({ name }) => ({
        ...row,
        context: name,
        visible: false,
        open: [],
        undecided: true,
        ...answer,
      })),
    ),
  };
}

const keyOf = ({ role, relation, context }: Hole) => `${role} ${relation} ${context}`;

function divide<T>(items: readonly T[], parts: number): T[][] {
  const size = Math.max(1, Math.ceil(items.length / Math.max(1, parts)));
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}

export function setLocal(name: string, value: string): string {
  return `select set_config('${name}', ${pg.escapeLiteral(value)}, true);`;
}

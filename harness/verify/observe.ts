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
 * The pass over all tables, chunk by chunk, by as many connections as work on it. A table that takes too long, or breaks the pass, is
 * found by dividing its chunk and reported by itself; the others are not affected.
 */
export class Pass {
  readonly observations: Observations = { tables: [], holes: [] };
  readonly #assignment: Assignment;
  readonly #connect: () => Promise<Client | null>;
  readonly #waiting: TenantTable[][];
  readonly #deadline = performance.now() + patienceMs;

  constructor(assignment: Assignment, connect: () => Promise<Client | null>) {
    const { tables } = assignment.model;
    this.#assignment = assignment;
    this.#connect = connect;
    this.#waiting = assignment.roles.length === 0 ? [] : divide(tables, Math.ceil(tables.length / chunkSize));
  }

  /** Works until nothing is waiting, on this connection and on those that it opens in its place. */
  async work(client: Client): Promise<void> {
    let session = client;
    let asked = 0;
    try {
      for (let chunk = this.#waiting.shift(); chunk; chunk = this.#waiting.shift()) {
        if (asked >= sessionTables) {
          const next = await this.#connect();
          if (next) {
            if (session !== client) await session.end();
            [session, asked] = [next, 0];
          }
        }
        asked += chunk.length;
        await this.#observe(session, chunk);
      }
    } finally {
      if (session !== client) await session.end().catch(() => undefined);
    }
  }

  async #observe(session: Client, chunk: TenantTable[]): Promise<void> {
    try {
      this.#add(await runChunk(session, this.#assignment, chunk));
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      await session.query("rollback");
      await session.query(readSqlFile("harness/verify/probes/forget.sql").text);
      const outOfTime = performance.now() > this.#deadline;
      if (chunk.length > 1 && !outOfTime) this.#waiting.unshift(...divide(chunk, 8));
      else this.#add(undecided(this.#assignment, chunk, outOfTime && chunk.length > 1 ? noTimeLeft : error));
    }
  }

  #add({ tables, holes }: Observations): void {
    this.observations.tables.push(...tables);
    this.observations.holes.push(...holes);
  }
}

const noTimeLeft = {
  code: "57014",
  message: `it was not asked: the run took more than ${patienceMs / 1000} s already`,
};

/** Each chunk in two transactions of one connection, a round trip each. */
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

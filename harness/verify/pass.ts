import type { Client } from "pg";
import pg from "pg";
import type { TenantTable } from "../isolation/model.ts";
import type { Observations } from "./observations.ts";
import { type Assignment, observe, tableBudgetMs } from "./observe.ts";

/** Tables in one transaction: each keeps its locks, and those of its indexes, until the end. */
const chunkSize = 500;
/** A server process keeps what it learnt of a table, some 30 kB: after so many tables another one goes on. */
const sessionTables = 2_000;
/** After this long no further table is tried alone. */
const patienceMs = 60_000;

export type Connect = () => Promise<Client | null>;

/**
 * The probe run over all tables, chunk by chunk, by as many workers as call work(). A table that takes too long, or breaks its chunk, is found by
 * dividing the chunk and reported by itself; the others are not affected.
 */
export class Pass {
  readonly observations: Observations = { tables: [], holes: [] };
  readonly #assignment: Assignment;
  readonly #connect: Connect;
  readonly #waiting: TenantTable[][];
  readonly #deadline = performance.now() + patienceMs;

  constructor(assignment: Assignment, connect: Connect) {
    const { roles, ground, model } = assignment;
    this.#assignment = assignment;
    this.#connect = connect;
    this.#waiting = [];
    if (roles.length === 0) return;
    if (ground.mode === "none") this.#add(undecided(assignment, model.tables, noGround(assignment)));
    else this.#waiting = divide(model.tables, Math.ceil(model.tables.length / chunkSize));
  }

  /** Works until nothing is waiting, on connections of its own, or on `instead` where the server has no other to give. */
  async work(instead: Client | null = null): Promise<void> {
    let session: Client | null = null;
    let asked = 0;
    try {
      while (this.#waiting.length > 0) {
        session ??= (await this.#connect()) ?? instead;
        const chunk = session && this.#waiting.shift();
        if (!session || !chunk) return;
        asked += chunk.length;
        const usable = await this.#observe(session, chunk);
        if (usable && asked < sessionTables) continue;
        if (session !== instead) await session.end().catch(() => undefined);
        [session, asked] = [null, 0];
      }
    } finally {
      if (session !== instead) await session?.end().catch(() => undefined);
    }
  }

  /** @returns whether the connection can be used again */
  async #observe(session: Client, chunk: TenantTable[]): Promise<boolean> {
    let ended = false;
    const watchdog = setTimeout(
      () => {
        ended = true;
        void end(session, this.#connect);
      },
      2 * (tableBudgetMs + 10 * chunk.length) + 5_000,
    );
    try {
      this.#add(await observe(session, this.#assignment, chunk));
      return true;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) && !ended) throw error;
      // 57P01: the watchdog ended it
      const usable = !ended && (await cleanUp(session));
      const outOfTime = performance.now() > this.#deadline;
      if (chunk.length > 1 && !outOfTime) this.#waiting.unshift(...divide(chunk, 8));
      else
        this.#add(undecided(this.#assignment, chunk, reasonOf(error, ended, outOfTime && chunk.length > 1)));
      return usable;
    } finally {
      clearTimeout(watchdog);
    }
  }

  #add({ tables, holes }: Observations): void {
    this.observations.tables.push(...tables);
    this.observations.holes.push(...holes);
  }
}

async function cleanUp(session: Client): Promise<boolean> {
  try {
    await session.query("rollback");
    await session.query("deallocate all");
    return true;
  } catch {
    return false;
  }
}

/**
 * Ends a session whose statement outlived its time: code of the database may catch the cancellation, but not this. The server process is told by
 * another connection, and this end hangs up in any case.
 */
async function end(session: Client, connect: Connect): Promise<void> {
  const { processID, connection } = session as unknown as {
    processID: number;
    connection: { stream: { destroy(): void } };
  };
  const other = await connect().catch(() => null);
  await other?.query("select pg_catalog.pg_terminate_backend($1)", [processID]).catch(() => undefined);
  await other?.end().catch(() => undefined);
  connection.stream.destroy();
}

type Reason = { code?: string | undefined; message: string };

function reasonOf(error: unknown, ended: boolean, outOfTime: boolean): Reason {
  if (outOfTime)
    return {
      code: "57014",
      message: `it was not asked: the run took more than ${patienceMs / 1000} s already`,
    };
  if (ended)
    return {
      code: "57014",
      message: "its policies outlived the time limit, and the session had to be ended",
    };
  return error as Reason;
}

function noGround({ ground }: Assignment): Reason {
  return {
    code: "HS002",
    message: `${ground.reason}, and without it the code of this database would run with the rights of this login`,
  };
}

/** Tables that could not be asked count as undecided in every context, and never as closed. */
function undecided({ roles, contexts }: Assignment, tables: TenantTable[], error: Reason): Observations {
  const answer = { sqlstate: error.code ?? "XX000", message: error.message };
  const relations = tables.map(({ relation }) => relation);
  const rows = roles.flatMap((role) => relations.map((relation) => ({ role, relation })));
  const nothing = { visible: false, open: [], undecided: true };
  return {
    tables: roles.map((role) => ({ role, relations, probed: false, ...answer })),
    holes: rows.flatMap((row) =>
      contexts.map(({ name }) => ({ ...row, context: name, ...nothing, ...answer })),
    ),
  };
}

function divide<T>(items: readonly T[], parts: number): T[][] {
  const size = Math.max(1, Math.ceil(items.length / Math.max(1, parts)));
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}

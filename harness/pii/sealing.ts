import type { Client } from "pg";
import { connect } from "../targets/session/connection.ts";
import { paint } from "../terminal/color.ts";
import { count } from "../terminal/numbers.ts";
import { progressBar } from "../terminal/progress-bar.ts";
import { describeProblem } from "./problem-text.ts";
import { type Sealed, sealTable } from "./seal.ts";
import type { Keys } from "./session.ts";
import { columnStatus, toDo } from "./status.ts";
import type { ProtectedTable } from "./tables.ts";

export interface Effort {
  /** Rows in a transaction. */
  batch: number;
  /** Rows a second, at most. */
  rate: number | undefined;
  /** Connections at a time. */
  jobs: number;
}

/** A batch comes at once: it may not be more than a second's worth. */
export const atTheRate = ({ batch, rate, jobs }: Effort): Effort => ({
  batch: Math.min(batch, rate ?? batch),
  rate,
  jobs,
});

/** What a run has done so far, for whoever interrupts it. */
export class Tally {
  private done = 0;
  private table = "";
  private toDo = 0;
  private before = 0;

  get begun(): boolean {
    return this.table !== "";
  }

  begin(table: string, rows: number): void {
    this.before += this.done;
    Object.assign(this, { table, toDo: rows, done: 0 });
  }

  add(rows: number): void {
    this.done += rows;
  }

  /** Without a full stop. */
  text(): string {
    if (!this.begun) return "nothing was changed";
    const earlier = this.before > 0 ? `, ${count(this.before)} in other tables` : "";
    const left = Math.max(0, this.toDo - this.done);
    return `${count(this.done)} rows of ${this.table} are done and last${earlier}; some ${count(left)} are left there`;
  }
}

/** Seals tables, one after the other, with a bar. */
export async function sealTables(
  client: Client,
  url: string,
  tables: readonly ProtectedTable[],
  keys: Keys,
  { jobs, ...effort }: Effort,
  tally: Tally,
): Promise<Sealed[]> {
  const clients = [client];
  const done: Sealed[] = [];
  try {
    while (clients.length < jobs) clients.push(await connect(url, { purpose: "pii seal" }));
    for (const table of tables) {
      const columns = await columnStatus(client, table);
      const rows = Math.max(0, ...columns.map((column) => toDo(table.phase, column)));
      tally.begin(table.table, rows);
      const bar = progressBar(`sealing ${table.table}`, rows);
      try {
        const onRows = (changed: number) => {
          bar.add(changed);
          tally.add(changed);
        };
        done.push(await sealTable(clients, table, keys, { ...effort, onRows }));
      } finally {
        bar.stop();
      }
    }
    return done;
  } finally {
    for (const other of clients.slice(1)) await other.end().catch(() => undefined);
  }
}

/** For people, a line each. */
export function describeSealed({ table, changed, failed, left, problems }: Sealed): string[] {
  const rest = left === 0 ? paint.green("nothing is left") : paint.red(`${count(left)} values are left`);
  return [
    `${table}: ${count(changed)} rows done, ${rest}`,
    ...(failed > 0
      ? [`these could not be done (${count(failed)} in all); somebody has to decide about them:`]
      : []),
    ...problems.map((problem) => paint.red(describeProblem(problem))),
    ...(left > 0 && failed === 0 ? ["their rows are held locked by another session: run this again"] : []),
  ];
}

import type { Client } from "pg";
import { wholeNumber } from "../command-line/option-values.ts";
import { type Sealed, sealTable } from "../pii/seal.ts";
import type { Keys } from "../pii/session.ts";
import { columnStatus, toDo } from "../pii/status.ts";
import type { ProtectedTable } from "../pii/tables.ts";
import { connect } from "../targets/session/connection.ts";
import { paint } from "../terminal/color.ts";
import { count } from "../terminal/numbers.ts";
import { progressBar } from "../terminal/progress-bar.ts";
import { describeProblem, type SealingOptions, say } from "./pii-options.ts";

export interface Effort {
  batch: number;
  rate: number | undefined;
  jobs: number;
}

/** @throws HarnessError `bad-option` */
export function effortOf({ batch, rate, jobs }: SealingOptions): Effort {
  const perSecond = wholeNumber("--rate", rate, undefined, 10_000_000);
  // A batch comes at once: it may not be more than a second's worth.
  const most = Math.min(wholeNumber("--batch", batch, 2_000, 100_000), perSecond ?? 100_000);
  return { batch: most, rate: perSecond, jobs: wholeNumber("--jobs", jobs, 2, 16) };
}

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

export function describeSealed({ table, changed, failed, left, problems }: Sealed): void {
  const rest = left === 0 ? paint.green("nothing is left") : paint.red(`${count(left)} values are left`);
  say(`${table}: ${count(changed)} rows done, ${rest}`);
  if (failed > 0)
    say(`these could not be done (${count(failed)} in all); somebody has to decide about them:`);
  for (const problem of problems) say(paint.red(describeProblem(problem)));
  if (left > 0 && failed === 0) say("their rows are held locked by another session: run this again");
}

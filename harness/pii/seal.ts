import { setTimeout as sleep } from "node:timers/promises";
import type { ClientBase } from "pg";
import { Pace } from "../core/pace.ts";
import { patiently } from "../sql/patience.ts";
import { asJob, type Keys } from "./session.ts";
import { type ColumnStatus, columnStatus, type Problem, problemsKept, toDo } from "./status.ts";
import { type ProtectedTable, protectedTables } from "./tables.ts";

export interface SealOptions {
  /** Rows a transaction: so many are locked at a time. */
  batch: number;
  /** Rows a second, over all connections; undefined: as fast as it goes. */
  rate?: number | undefined;
  onRows(rows: number): void;
}

export interface Sealed {
  table: string;
  /** Rows changed. */
  changed: number;
  /** Rows that cannot be sealed, each with its reason, as far as they are kept. */
  problems: Problem[];
  failed: number;
  columns: ColumnStatus[];
  /** Values that are still to be done. */
  left: number;
}

/** So many passes may pass by rows that somebody else holds locked, and find nothing else. */
const idlePasses = 8;

/**
 * Does with every row of a table what there is to do: seals it, re-encrypts it, drops its plaintext. A pass goes through the table
 * once, on all connections at a time; rows that somebody is changing are left out, so passes follow until nothing is left, or
 * only what cannot be sealed. Nothing is remembered anywhere but in the rows: a run that was killed is begun anew.
 */
export async function sealTable(
  clients: readonly ClientBase[],
  { table }: ProtectedTable,
  keys: Keys,
  { batch, rate, onRows }: SealOptions,
): Promise<Sealed> {
  const [client] = clients;
  if (!client) throw new Error("no connection to seal with");
  const pace = new Pace(rate);
  let changed = 0;
  for (let idle = 0; ; ) {
    const passes = await Promise.all(clients.map((one) => pass(one)));
    const ofPass = passes.reduce((sum, one) => sum + one.changed, 0);
    // each connection meets the same rows that fail
    const failed = Math.max(...passes.map((one) => one.failed));
    changed += ofPass;
    const [now] = await protectedTables(client, table);
    const columns = now ? await columnStatus(client, now) : [];
    const left = columns.reduce((sum, column) => sum + (now ? toDo(now.phase, column) : 0), 0);
    idle = ofPass === 0 ? idle + 1 : 0;
    const hopeless = failed > 0 && ofPass === 0 && columns.every((c) => now && toDo(now.phase, c) <= failed);
    if (left === 0 || hopeless || idle === idlePasses) {
      const problems = distinct(passes.flatMap((one) => one.problems)).slice(0, problemsKept);
      return { table, changed, failed, problems, columns, left };
    }
    if (idle > 0) await sleep(250);
  }

  async function pass(connection: ClientBase) {
    const result = { changed: 0, failed: 0, problems: [] as Problem[] };
    let position: [string | null, string | null] = [null, null];
    for (let finished = false; !finished; ) {
      await pace.turn();
      const { rows } = await patiently(() =>
        asJob(connection, "read write", keys, () =>
          connection.query("select * from pii.seal_batch($1::regclass, $2, $3, $4)", [
            table,
            batch,
            ...position,
          ]),
        ),
      );
      const [done] = rows;
      result.changed += done.changed;
      result.failed += done.failed;
      result.problems.push(...done.problems.slice(0, problemsKept - result.problems.length));
      position = [done.last_tenant, done.last_id];
      finished = done.finished;
      pace.took(done.changed);
      onRows(done.changed);
    }
    return result;
  }
}

function distinct(problems: Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [`${problem.tenant} ${problem.id}`, problem])).values()];
}

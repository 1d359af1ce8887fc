import type { Client } from "pg";
import { Pace } from "../core/pace.ts";
import { patiently } from "../sql/patience.ts";
import { inTransaction } from "../sql/transaction.ts";

export interface Effort {
  /** Rows a transaction, at most. */
  batch: number;
  /** Rows a second; undefined: as fast as it goes. */
  rate?: number | undefined;
  onRows?(rows: number): void;
  /** Whether to stop at the next clean point. */
  paused(): boolean;
}

/** A writer waits at most so long for a row that is being copied. */
const batchMs = 40;
const leastRows = 100;
/** Below deadlock_timeout, so that of two that wait for each other it is this that gives way. */
const rowLockTimeoutMs = 250;
const attempts = 100;
/** What a crash of the server takes away is copied again: the rows and how far they go are lost together, and the swap waits for the disk. */
const opening = "set local synchronous_commit = off; set transaction isolation level read committed";

/** Copies what is left to copy, in batches of the size that takes as long as a writer may wait. */
export async function copyRows(client: Client, relation: string, effort: Effort): Promise<void> {
  const pace = new Pace(effort.rate);
  const most = Math.min(effort.batch, effort.rate ?? effort.batch);
  let size = Math.min(most, 1_000);
  for (let finished = false; !finished && !effort.paused(); ) {
    await pace.turn();
    const began = performance.now();
    const { rows } = await patiently(
      () =>
        inTransaction(
          client,
          "read write",
          () => client.query("select rows, finished from partitions.copy_batch($1, $2)", [relation, size]),
          { lockTimeoutMs: rowLockTimeoutMs, first: opening },
        ),
      attempts,
    );
    const elapsed = performance.now() - began;
    pace.took(size);
    effort.onRows?.(rows[0].rows);
    finished = rows[0].finished;
    const factor = Math.min(1.5, Math.max(0.7, batchMs / elapsed));
    size = Math.round(Math.min(most, Math.max(leastRows, size * factor)));
  }
}

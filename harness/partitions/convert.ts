import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { exitCodes, HarnessError } from "../core/errors.ts";
import { patiently, sqlstateOf } from "../sql/patience.ts";
import { inTransaction, type Opening } from "../sql/transaction.ts";
import { buildIndexes } from "./build-indexes.ts";
import { compareCopy } from "./compare.ts";
import { type Conversion, findConversion, type Step } from "./conversion.ts";
import { copyRows, type Effort } from "./copy-rows.ts";
import { longestHolder } from "./explain.ts";
import { giveUpCopy, isDiskFull } from "./full-disk.ts";
import { waitForOlderTransactions } from "./older-transactions.ts";
import { inTurn } from "./turn.ts";

export interface Running extends Effort {
  /** How long to wait, each time, for a lock that writers queue behind. */
  lockTimeoutMs: number;
  /** How long to go on trying to get it, and to wait for transactions that are older than the copy. */
  patienceMs: number;
  /** Says who is waited for. */
  onWait?(who: string): void;
  /** To pause before it. */
  stopBefore?: Step | undefined;
  onStep?(conversion: Conversion): void;
}

export type Ending = "done" | "finish" | "paused";

/** A step that is one transaction of its own, by the function that does it. */
const strong = new Set<Step>(["watch", "bound", "swap"]);
const unhurried = { statementTimeoutMs: 0, idleTimeoutMs: 0 };

/**
 * Goes on with a conversion from wherever it stands, until it is done, waits to be finished, or is paused. It may be killed at any moment: each
 * step is a transaction that also says what comes next.
 * @throws HarnessError `copy-differs`, `table-busy`, `older-transaction`, `disk-full`, `conversion-running`; what the database refuses as it comes
 */
export async function convert(client: Client, relation: string, running: Running): Promise<Ending> {
  return inTurn(client, relation, async () => {
    for (;;) {
      const conversion = await findConversion(client, relation);
      if (!conversion) return "done";
      if (conversion.step === "finish") return "finish";
      if (running.paused() || conversion.step === running.stopBefore) return "paused";
      running.onStep?.(conversion);
      try {
        await takeStep(client, conversion, running);
      } catch (error) {
        // a statement that was cancelled, or a lock that nobody waits for any longer
        if (isDiskFull(error)) throw await giveUpCopy(client, relation, error);
        if (running.paused() && ["57014", "55P03", "40P01"].includes(sqlstateOf(error))) return "paused";
        throw error;
      }
    }
  });
}

async function takeStep(client: Client, conversion: Conversion, running: Running): Promise<void> {
  const { relation, step, method } = conversion;
  if (step === "copy") return copyRows(client, relation, running);
  if (step === "index") {
    await buildIndexes(client, relation, running.patienceMs);
    await call(client, "select partitions.move_on($1, 'bound') as answer", relation, {});
    return;
  }
  if (step === "verify") {
    // first, since comparing takes a while, and they end meanwhile
    await client.query("select partitions.note_transactions($1)", [relation]);
    await compareCopy(client, relation);
    await call(client, "select partitions.move_on($1, 'swap') as answer", relation, {});
    return;
  }
  if (step === "swap" && method === "shadow") {
    await waitForOlderTransactions(client, relation, running);
    if (running.paused()) return;
  }
  if (method === "attach" && (step === "prove" || step === "swap")) {
    const lifted = await insist(client, relation, running, () =>
      call(client, "select partitions.lift_bound($1) as answer", relation, {
        lockTimeoutMs: running.lockTimeoutMs,
      }),
    );
    if (lifted) return;
  }
  const act = (opening: Opening) =>
    call(client, `select partitions.step_${step}($1) as answer`, relation, opening);
  if (strong.has(step)) {
    await insist(client, relation, running, () => act({ lockTimeoutMs: running.lockTimeoutMs }));
  } else if (step === "prove" || step === "validate") {
    await patiently(() => act({ ...unhurried }));
  } else {
    await insist(client, relation, running, () =>
      act({ lockTimeoutMs: Math.max(running.lockTimeoutMs, 100) }),
    );
  }
  // Nobody analyses a partitioned table by itself, and plans for the whole are made of its statistics.
  if (step === "swap" && method === "attach")
    await client.query(`analyze ${relation}`).catch(() => undefined);
}

async function call(client: Client, statement: string, relation: string, opening: Opening): Promise<unknown> {
  return inTransaction(
    client,
    "read write",
    async () => (await client.query(statement, [relation])).rows[0]?.answer,
    { statementTimeoutMs: 10 * 60_000, ...opening },
  );
}

/** Tries again and again for a lock that it never waits long for, so that writers never queue long. */
async function insist<T>(
  client: Client,
  relation: string,
  running: Running,
  work: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + running.patienceMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!["55P03", "40P01"].includes(sqlstateOf(error))) throw error;
      if (Date.now() > deadline || running.paused()) {
        const holder = await longestHolder(client, [relation]);
        throw new HarnessError({
          code: "table-busy",
          message: `${relation} was never free for a moment${holder ? `: locked by ${holder}` : ""}`,
          hint: "Nothing is lost: run this again, at a quieter time.",
          exitCode: exitCodes.findings,
          cause: error,
        });
      }
      await sleep((100 + Math.min(attempt, 20) * 45) * (0.5 + Math.random()));
    }
  }
}

/** Takes a conversion back that has not been swapped. */
export async function rollBack(client: Client, relation: string, running: Running): Promise<void> {
  await inTurn(client, relation, () =>
    insist(client, relation, running, () =>
      call(client, "select partitions.undo_conversion($1)::text as answer", relation, {
        lockTimeoutMs: running.lockTimeoutMs,
      }),
    ),
  );
}

/** Drops the old table. */
export async function finish(client: Client, relation: string, running: Running): Promise<void> {
  await inTurn(client, relation, () =>
    insist(client, relation, running, () =>
      call(client, "select partitions.step_finish($1) as answer", relation, { lockTimeoutMs: 2_000 }),
    ),
  );
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { exitCodes, HarnessError } from "../core/errors.ts";
import { patiently, sqlstateOf } from "../database/patience.ts";
import { inTransaction, type Opening } from "../database/transaction.ts";
import { type Conversion, findConversion, type Step } from "./conversion.ts";
import { copyRows, type Effort } from "./copy-rows.ts";
import { longestHolder } from "./explain.ts";

export interface Running extends Effort {
  /** How long to wait, each time, for a lock that writers queue behind. */
  lockTimeoutMs: number;
  /** How long to go on trying to get it. */
  patienceMs: number;
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
 * @throws HarnessError `copy-differs`, `table-busy`, `conversion-running`; what the database refuses as it comes
 */
export async function convert(client: Client, relation: string, running: Running): Promise<Ending> {
  return inTurn(client, relation, async () => {
    for (;;) {
      const conversion = await findConversion(client, relation);
      if (!conversion) return "done";
      if (conversion.step === "finish") return "finish";
      if (running.paused() || conversion.step === running.stopBefore) return "paused";
      running.onStep?.(conversion);
      await takeStep(client, conversion, running);
    }
  });
}

async function takeStep(client: Client, conversion: Conversion, running: Running): Promise<void> {
  const { relation, step, method } = conversion;
  if (step === "copy") return copyRows(client, relation, running);
  if (step === "index") return buildIndexes(client, relation);
  if (step === "verify") return verify(client, relation);
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

/** One run at a time. */
async function inTurn<T>(client: Client, relation: string, work: () => Promise<T>): Promise<T> {
  await takeTurn(client, relation);
  try {
    return await work();
  } finally {
    await client
      .query("select pg_advisory_unlock(1885434485, hashtext($1))", [relation])
      .catch(() => undefined);
  }
}

/** The lock goes with the session, also if it is killed. */
async function takeTurn(client: Client, relation: string): Promise<void> {
  // A killed run's session is noticed by its server even in the middle of a long statement.
  await client.query("set client_connection_check_interval = '2s'").catch(() => undefined);
  const deadline = Date.now() + 8_000;
  for (;;) {
    const { rows } = await client.query("select pg_try_advisory_lock(1885434485, hashtext($1)) as mine", [
      relation,
    ]);
    if (rows[0].mine) return;
    if (Date.now() > deadline) break;
    await sleep(250);
  }
  const { rows } = await client.query(
    `select l.pid from pg_catalog.pg_locks as l
      where l.locktype = 'advisory' and l.classid = 1885434485 and l.objid = (hashtext($1)::bigint & 4294967295)::oid and l.granted
        and l.database = (select oid from pg_catalog.pg_database where datname = current_database())`,
    [relation],
  );
  throw new HarnessError({
    code: "conversion-running",
    message: `another run is converting ${relation}: session ${rows[0]?.pid ?? "unknown"}`,
    hint: "Wait for it. If it was killed, its server is still busy with its last statement; pg_terminate_backend() ends that.",
  });
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

/** Outside of transactions, and without hurry: nobody waits for this. */
async function buildIndexes(client: Client, relation: string): Promise<void> {
  await client.query("set lock_timeout = 0; set statement_timeout = 0");
  const { rows } = await client.query<{ index: string; statement: string; valid: boolean | null }>(
    "select index, statement, valid from partitions.index_statements($1)",
    [relation],
  );
  for (const { index, statement, valid } of rows) {
    // Left by a run that was killed.
    if (valid === false) await client.query(`drop index concurrently ${index}`);
    if (!valid) await client.query(statement);
  }
  await call(client, "select partitions.move_on($1, 'bound') as answer", relation, {});
}

interface Compared {
  period: string;
  sourceRows: number;
  copyRows: number;
  same: boolean;
}

/** Every row of both, as one moment shows them: writers go on meanwhile, in both. @throws HarnessError `copy-differs` */
async function verify(client: Client, relation: string): Promise<void> {
  const { rows: parents } = await client.query(
    "select partitions.whole_name(parent) as parent from partitions.conversions where relation = $1",
    [relation],
  );
  await client.query("set statement_timeout = 0; set lock_timeout = 0");
  await client.query(`analyze ${parents[0]?.parent}`);
  const compared = await inTransaction(
    client,
    "read only",
    async () =>
      (
        await client.query<Compared>(
          `select starts_at::text as period, source_rows::float as "sourceRows", copy_rows::float as "copyRows",
                  source_rows = copy_rows and source_hash is not distinct from copy_hash as same
             from partitions.compare($1)`,
          [relation],
        )
      ).rows,
    { ...unhurried, first: "set transaction isolation level repeatable read" },
  );
  const wrong = compared.filter(({ same }) => !same);
  if (wrong.length > 0) {
    const [first] = wrong;
    throw new HarnessError({
      code: "copy-differs",
      message: `${relation} and its copy differ in ${wrong.length} periods, first in that of ${first?.period} (${first?.sourceRows} rows, ${first?.copyRows} in the copy)`,
      hint: `Nothing was swapped. harness partitions convert ${relation} --rollback, then begin again; and look for what changes the table without firing its triggers.`,
      exitCode: exitCodes.findings,
    });
  }
  await call(client, "select partitions.move_on($1, 'swap') as answer", relation, {});
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

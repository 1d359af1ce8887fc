import type { Client } from "pg";
import { onExit } from "../core/cleanup.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { jsonOutput } from "../core/json-output.ts";
import { progress } from "../core/progress.ts";
import { type ProgressBar, progressBar } from "../core/progress-bar.ts";
import { inTransaction } from "../database/transaction.ts";
import {
  beginConversion,
  blockersOf,
  type Conversion,
  findConversion,
  methods,
  planConversion,
  type Wish,
} from "../partitions/conversion.ts";
import { convert, type Ending, finish, type Running, rollBack } from "../partitions/convert.ts";
import { describeBlockers, describePlan, stepInWords } from "../partitions/convert-text.ts";
import { explainPartitionError } from "../partitions/explain.ts";
import { installPack, packSql, packState } from "../partitions/pack.ts";
import { wholeName } from "../partitions/status.ts";
import { oneOf, type PartitionOptions, periodOf, premakeOf, refusePooler } from "./partitions-options.ts";
import { wholeNumber } from "./pii-options.ts";
import { withClient } from "./with-target.ts";

export interface ConvertOptions extends PartitionOptions {
  key?: string | undefined;
  period?: string | undefined;
  timeZone?: string | undefined;
  method?: string | undefined;
  premake?: string | undefined;
  retention?: string | undefined;
  batch?: string | undefined;
  rate?: string | undefined;
  extendKeys?: boolean | undefined;
  pauseBeforeSwap?: boolean | undefined;
  rollback?: boolean | undefined;
  finish?: boolean | undefined;
}

/** Partitions a table while it is in use. Run again, it goes on where it stopped. Exit code 1 if something stands in the way. */
export async function partitionsConvert(table: string, options: ConvertOptions): Promise<ExitCode> {
  const effort = effortOf(options);
  const asked = [options.rollback, options.finish, options.dryRun].filter(Boolean);
  if (asked.length > 1) {
    throw new HarnessError({
      code: "bad-option",
      message: "--dry-run, --rollback and --finish exclude each other",
      hint: "Choose one.",
    });
  }
  return withClient(
    options,
    options.dryRun ? "reads" : "writes",
    "partitions convert",
    async ({ client, target }) => {
      refusePooler(target.url);
      try {
        const relation = await wholeName(client, table);
        const session = { client, relation, options, branch: target.branch };
        if (options.dryRun) return await rehearse(session);
        const installed = await installPack(client);
        if (installed) say(session, `${installed} the schema partitions`);
        return await work(session, effort);
      } catch (error) {
        throw explainPartitionError(error);
      }
    },
  );
}

interface Session {
  client: Client;
  relation: string;
  options: ConvertOptions;
  branch: string | null;
}

/** @throws HarnessError `bad-option` */
function effortOf({
  batch,
  rate,
  lockTimeout,
}: ConvertOptions): Pick<Running, "batch" | "rate" | "lockTimeoutMs"> {
  const ms = Number(lockTimeout ?? 50);
  if (!(Number.isInteger(ms) && ms >= 1 && ms <= 60_000)) {
    throw new HarnessError({
      code: "bad-option",
      message: `--lock-timeout ${lockTimeout} is not a number of milliseconds up to 60000`,
      hint: "Leave it out for 50.",
    });
  }
  return {
    batch: wholeNumber("--batch", batch, 5_000, 1_000_000),
    rate: wholeNumber("--rate", rate, undefined, 10_000_000),
    lockTimeoutMs: ms,
  };
}

function wishOf({ relation, options }: Session): Wish {
  if (options.key === undefined) {
    throw new HarnessError({
      code: "which-key",
      message: `no conversion of ${relation} is under way`,
      hint: "To begin one, say by which column: --key created_at.",
    });
  }
  return {
    relation,
    key: options.key,
    period: periodOf(options.period) ?? "month",
    timeZone: options.timeZone ?? "UTC",
    method: oneOf("--method", options.method, methods),
    extendKeys: options.extendKeys ?? false,
    premake: premakeOf(options.premake) ?? 3,
    retention: options.retention,
  };
}

async function work(
  session: Session,
  effort: Pick<Running, "batch" | "rate" | "lockTimeoutMs">,
): Promise<ExitCode> {
  const { client, relation, options } = session;
  const running: Running = { ...effort, patienceMs: 10 * 60_000, paused: () => false };
  const known = await findConversion(client, relation);
  if (options.rollback || options.finish) {
    if (!known) throw nothingUnderWay(relation);
    if (options.finish && known.step !== "finish") {
      throw new HarnessError({
        code: "not-converted-yet",
        message: `the conversion of ${relation} is not that far: next it ${stepInWords[known.step]}`,
        hint: `harness partitions convert ${relation} goes on.`,
        exitCode: exitCodes.findings,
      });
    }
    await (options.finish ? finish : rollBack)(client, relation, running);
    report(session, options.finish ? "done" : "rolled-back");
    return exitCodes.clean;
  }
  if (known) refuseOtherWish(known, options);
  else if (await isPartitionedBy(client, relation, options.key)) {
    report(session, "done");
    return exitCodes.clean;
  } else if (!(await begin(session))) return exitCodes.findings;
  const ending = await convertWithBar(session, running);
  report(session, ending);
  return exitCodes.clean;
}

/** False if something stands in the way. */
async function begin(session: Session): Promise<boolean> {
  const { client, options } = session;
  const wish = wishOf(session);
  const plan = await inTransaction(client, "read only", () => planConversion(client, wish), {
    statementTimeoutMs: 0,
  });
  const blockers = await blockersOf(client, wish, plan.method);
  if (blockers.length > 0) {
    if (options.json)
      process.stdout.write(jsonOutput({ branch: session.branch, plan, blockers, ending: "refused" }));
    else process.stdout.write(describeBlockers(blockers));
    return false;
  }
  say(session, describePlan(plan, wish).trimEnd());
  await inTransaction(client, "read write", () => beginConversion(client, wish), { statementTimeoutMs: 0 });
  return true;
}

/** Whoever runs the same command once more has what he wants. */
async function isPartitionedBy(client: Client, relation: string, key: string | undefined): Promise<boolean> {
  const { rows } = await client.query(
    `select from pg_catalog.pg_partitioned_table as p join pg_catalog.pg_attribute as a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
      where p.partrelid = $1::regclass and p.partstrat = 'r' and p.partnatts = 1 and a.attname = $2`,
    [relation, key ?? ""],
  );
  return rows.length > 0;
}

/** The words of the first run count: who says something else now would be misled. */
function refuseOtherWish(known: Conversion, { key, period, method, timeZone }: ConvertOptions): void {
  const other =
    (key !== undefined && key !== known.key && `--key ${known.key}`) ||
    (period !== undefined && period !== known.period && `--period ${known.period}`) ||
    (timeZone !== undefined && timeZone !== known.timeZone && `--time-zone ${known.timeZone}`) ||
    (method !== undefined && method !== known.method && `--method ${known.method}`);
  if (!other) return;
  throw new HarnessError({
    code: "conversion-under-way",
    message: `a conversion of ${known.relation} is under way with ${other}`,
    hint: "Go on with it by leaving the options out, or take it back with --rollback.",
  });
}

async function convertWithBar(session: Session, running: Running): Promise<Ending> {
  const { client, relation, options } = session;
  let paused = false;
  let bar: ProgressBar | undefined;
  let stop: (() => void) | undefined;
  const clear = () => {
    bar?.stop();
    stop?.();
    bar = undefined;
    stop = undefined;
  };
  let before = "";
  const ended = convert(client, relation, {
    ...running,
    paused: () => paused,
    stopBefore: options.pauseBeforeSwap ? "swap" : undefined,
    onRows: (rows) => bar?.add(rows),
    onStep(conversion) {
      clear();
      if (conversion.step !== before) say(session, `  ${stepInWords[conversion.step]}`);
      before = conversion.step;
      if (conversion.step === "copy") {
        bar = progressBar(`copying ${relation}`, conversion.estimate);
        bar.add(conversion.copied);
      } else stop = progress(stepInWords[conversion.step]);
    },
  }).finally(clear);
  // Ctrl-C: to the end of the batch or the step, then out.
  let over = false;
  onExit(async () => {
    if (over) return;
    paused = true;
    await ended.catch(() => undefined);
    process.stderr.write(
      `\nPaused: what is done lasts, and every change is still made in both tables. ${goOn(relation)}\n`,
    );
  });
  return ended.finally(() => {
    over = !paused;
  });
}

const goOn = (relation: string) =>
  `harness partitions convert ${relation} goes on from there, with --rollback it is taken back.`;

async function rehearse(session: Session): Promise<ExitCode> {
  const { client, options, branch } = session;
  const undo = new Error("dry run");
  let exitCode: ExitCode = exitCodes.clean;
  const state = await packState(client);
  await inTransaction(
    client,
    state === "current" ? "read only" : "read write",
    async () => {
      if (state !== "current") await client.query(packSql());
      const known = await findConversion(client, session.relation);
      if (known) {
        if (options.json) process.stdout.write(jsonOutput({ branch, conversion: known, dryRun: true }));
        else
          process.stdout.write(
            `a conversion of ${known.relation} is under way: next it ${stepInWords[known.step]}\n`,
          );
        throw undo;
      }
      const wish = wishOf(session);
      const plan = await planConversion(client, wish);
      const blockers = await blockersOf(client, wish, plan.method);
      if (options.json) process.stdout.write(jsonOutput({ branch, plan, blockers, dryRun: true }));
      else
        process.stdout.write(`${describePlan(plan, wish)}${describeBlockers(blockers)}Nothing was changed\n`);
      if (blockers.length > 0) exitCode = exitCodes.findings;
      throw undo;
    },
    { first: "set local client_min_messages = warning", statementTimeoutMs: 0 },
  ).catch((error) => {
    if (error !== undo) throw error;
  });
  return exitCode;
}

function report(session: Session, ending: Ending | "rolled-back"): void {
  const { relation, options, branch } = session;
  if (options.json) {
    process.stdout.write(jsonOutput({ branch, table: relation, ending }));
    return;
  }
  const words: Record<Ending | "rolled-back", string> = {
    done: `${relation} is partitioned`,
    finish: `${relation} is partitioned. The old table is kept without privileges; harness partitions convert ${relation} --finish drops it`,
    paused: `paused. ${goOn(relation)}`,
    "rolled-back": `nothing is left of the conversion of ${relation}`,
  };
  process.stdout.write(`${words[ending]}\n`);
}

function say({ options }: Session, text: string): void {
  if (!options.json) process.stdout.write(`${text}\n`);
}

const nothingUnderWay = (relation: string) =>
  new HarnessError({
    code: "no-conversion",
    message: `no conversion of ${relation} is under way`,
    hint: "It has not been begun, or it is complete.",
  });

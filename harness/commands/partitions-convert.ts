import type { Client } from "pg";
import { jsonOutput } from "../command-line/json-output.ts";
import { seconds, wholeNumber } from "../command-line/option-values.ts";
import { withClient } from "../command-line/session.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import {
  beginConversion,
  blockersOf,
  type Conversion,
  findConversion,
  planConversion,
} from "../partitions/conversion.ts";
import { finish, type Running, rollBack } from "../partitions/convert.ts";
import { describeBlockers, describePlan, stepInWords } from "../partitions/convert-text.ts";
import { explainPartitionError } from "../partitions/explain.ts";
import { installPack } from "../partitions/pack.ts";
import { wholeName } from "../partitions/status.ts";
import { inTurn } from "../partitions/turn.ts";
import { inTransaction } from "../sql/transaction.ts";
import { print } from "../terminal/output.ts";
import { rehearse } from "./partitions-convert-rehearse.ts";
import { convertWithBar } from "./partitions-convert-run.ts";
import {
  type ConvertOptions,
  goOn,
  report,
  type Session,
  say,
  wishOf,
} from "./partitions-convert-session.ts";
import { refusePooler } from "./partitions-options.ts";

type Effort = Pick<Running, "batch" | "rate" | "lockTimeoutMs" | "patienceMs">;

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
      await refusePooler(client, target.url);
      try {
        const relation = await wholeName(client, table);
        const session = { client, url: target.url, relation, options, branch: target.branch };
        if (options.dryRun) return await rehearse(session);
        const installed = await installPack(client);
        if (installed) say(session, `${installed} the schema partitions`);
        // from the plan on, so that of two that begin at once the second hears of the first
        return await inTurn(client, relation, () => work(session, effort));
      } catch (error) {
        throw explainPartitionError(error, again(table, options));
      }
    },
  );
}

/** What is safe to repeat when the connection is lost. */
function again(table: string, { dryRun, rollback, finish }: ConvertOptions): string {
  if (dryRun) return "Nothing was changed: run this again.";
  if (rollback || finish) return "It was done as a whole or not at all: run this again.";
  return `What is done lasts: ${goOn(table)}`;
}

/** @throws HarnessError `bad-option` */
function effortOf({ batch, rate, lockTimeout, wait }: ConvertOptions): Effort {
  return {
    batch: wholeNumber("--batch", batch, 5_000, 1_000_000),
    rate: wholeNumber("--rate", rate, undefined, 10_000_000),
    lockTimeoutMs: seconds("--lock-timeout", lockTimeout, 0.05),
    patienceMs: seconds("--wait", wait, 600),
  };
}

async function work(session: Session, effort: Effort): Promise<ExitCode> {
  const { client, relation, options } = session;
  const running: Running = { ...effort, paused: () => false };
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
    if (options.json) print(jsonOutput({ branch: session.branch, plan, blockers, ending: "refused" }));
    else print(describeBlockers(blockers));
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

const nothingUnderWay = (relation: string) =>
  new HarnessError({
    code: "no-conversion",
    message: `no conversion of ${relation} is under way`,
    hint: "It has not been begun, or it is complete.",
  });

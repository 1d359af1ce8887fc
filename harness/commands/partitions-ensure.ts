import type { Client } from "pg";
import { jsonOutput } from "../command-line/json-output.ts";
import { seconds } from "../command-line/option-values.ts";
import { withClient } from "../command-line/session.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { groupBy } from "../core/group.ts";
import { printable } from "../core/printable.ts";
import { printableSql } from "../core/printable-sql.ts";
import {
  type Failed,
  type Made,
  makePartitions,
  overdue,
  type Rehearsed,
  rehearseEnsure,
} from "../partitions/ensure.ts";
import { explainPartitionError } from "../partitions/explain.ts";
import { installPack, packState } from "../partitions/pack.ts";
import { areGiven, manage, type Settings } from "../partitions/settings.ts";
import { wholeName } from "../partitions/status.ts";
import { inTransaction } from "../sql/transaction.ts";
import { interruptibly } from "../targets/session/interruptibly.ts";
import { count } from "../terminal/numbers.ts";
import { note, print } from "../terminal/output.ts";
import { progressBar } from "../terminal/progress-bar.ts";
import { actionOf, type PartitionOptions, periodOf, premakeOf } from "./partitions-options.ts";

export interface EnsureOptions extends PartitionOptions {
  period?: string | undefined;
  premake?: string | undefined;
  timeZone?: string | undefined;
  retention?: string | undefined;
  expired?: string | undefined;
  archiveSchema?: string | undefined;
}

export interface Ensured {
  made: Made[];
  failed: Failed[];
  /** How many partitions there are to be made yet. */
  left: number;
}

export const nothingEnsured = (): Ensured => ({ made: [], failed: [], left: 0 });

export const ensuredSoFar = ({ made, left }: Ensured): string =>
  `${count(made.length)} partitions were made and last, ${count(left)} are left. harness partitions ensure makes them`;

/** Makes the partitions that there have to be. Exit code 1 if a table could not have its. */
export async function partitionsEnsure(table: string | undefined, options: EnsureOptions): Promise<ExitCode> {
  const settings: Settings = {
    period: periodOf(options.period),
    timeZone: options.timeZone,
    premake: premakeOf(options.premake),
    retention: options.retention,
    expired: actionOf(options.expired),
    archiveSchema: options.archiveSchema,
  };
  const lockTimeoutMs = seconds("--lock-timeout", options.lockTimeout, 0.5);
  if (table === undefined && areGiven(settings)) {
    throw new HarnessError({
      code: "which-table",
      message: "settings are those of one table",
      hint: "Name it: harness partitions ensure TABLE --period month.",
    });
  }
  const mode = options.dryRun ? "reads" : "writes";
  return withClient(options, mode, "partitions ensure", async ({ client, target }) => {
    try {
      const name = table === undefined ? undefined : await wholeName(client, table);
      if (options.dryRun)
        return await rehearse(client, name, settings, (answer) =>
          options.json
            ? jsonOutput({ branch: target.branch, dryRun: true, ...answer })
            : printableSql(answer.sql) || "-- Nothing is missing\n",
        );
      if (name === undefined && (await packState(client)) === "missing")
        return nothingKeptUp(options, target.branch);
      const installed = await installPack(client);
      if (installed && !options.json) print(`${installed} the schema partitions\n`);
      if (name !== undefined && areGiven(settings))
        await inTransaction(client, "read write", () => manage(client, name, settings));
      const done = nothingEnsured();
      const tell = () => ensuredSoFar(done);
      await interruptibly({ client, url: target.url, cancels: () => true, tell }, (interrupted) =>
        ensure(client, name, lockTimeoutMs, done, interrupted),
      );
      const { made, failed } = done;
      if (options.json) print(jsonOutput({ branch: target.branch, installed, made, failed }));
      else print(describeEnsured(done));
      return failed.length === 0 ? exitCodes.clean : exitCodes.findings;
    } catch (error) {
      throw explainPartitionError(
        error,
        options.dryRun
          ? "Nothing was changed: run this again."
          : "Partitions that were made last: run this again, it makes what is missing.",
      );
    }
  });
}

/** Where nothing was ever said of a table there is nothing to install for. */
function nothingKeptUp(options: EnsureOptions, branch: string | null): ExitCode {
  print(
    options.json
      ? jsonOutput({ branch, installed: null, made: [], failed: [] })
      : "No table is kept up: harness partitions ensure TABLE --period month keeps one up from then on\n",
  );
  return exitCodes.clean;
}

/**
 * Makes what is missing of one table, or of all that are kept up; each partition is a transaction.
 * @param done is kept up to date, so that whoever interrupts can say how far it got
 */
export async function ensure(
  client: Client,
  table: string | undefined,
  lockTimeoutMs: number,
  done: Ensured,
  interrupted: () => boolean,
): Promise<void> {
  const { missing, failed } = await overdue(client, table);
  if (table !== undefined && failed[0]) throw refusal(failed[0]);
  done.failed.push(...failed);
  done.left = missing.length;
  const bar = progressBar("making partitions", missing.length);
  try {
    if (interrupted()) return;
    for await (const step of makePartitions(client, missing, lockTimeoutMs, interrupted)) {
      if ("made" in step) done.made.push(...step.made);
      else done.failed.push(step.failed);
      done.left--;
      bar.add(1);
      if (interrupted()) return;
    }
  } finally {
    bar.stop();
  }
}

const refusal = ({ table, reason }: Failed) =>
  new HarnessError({
    code: "partitions-refused",
    message: `${table}: ${reason}`,
    hint: "harness partitions ensure TABLE --period month says how its partitions are to be; harness partitions convert makes a partitioned table of a plain one.",
  });

export function describeEnsured({ made, failed }: Pick<Ensured, "made" | "failed">): string {
  const lines = [...groupBy(made, ({ table }) => table)].map(([table, own]) => {
    const names = own.map(({ partition }) => printable(partition));
    const shown = names.length > 4 ? [...names.slice(0, 3), "…", names.at(-1) ?? ""] : names;
    return `${printable(table)}: made ${names.length > 4 ? `${count(names.length)}: ` : ""}${shown.join(", ")}\n`;
  });
  for (const { table, reason } of failed) lines.push(`${printable(`${table}: failed, ${reason}`)}\n`);
  return lines.join("") || "Nothing is missing\n";
}

async function rehearse(
  client: Client,
  table: string | undefined,
  settings: Settings,
  textOf: (answer: Rehearsed) => string,
): Promise<ExitCode> {
  const answer = await rehearseEnsure(client, table, settings);
  const { failed } = answer;
  if (table !== undefined && failed[0]) throw refusal(failed[0]);
  print(textOf(answer));
  for (const { table: name, reason } of failed) note(printable(`${name}: ${reason}`));
  return failed.length === 0 ? exitCodes.clean : exitCodes.findings;
}

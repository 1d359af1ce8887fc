import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { groupBy } from "../core/group.ts";
import { printable } from "../core/printable.ts";
import { count } from "../terminal/numbers.ts";
import { progressBar } from "../terminal/progress-bar.ts";
import { type Failed, type Made, makePartitions, overdue } from "./ensure.ts";

export interface Ensured {
  made: Made[];
  failed: Failed[];
  /** How many partitions there are to be made yet. */
  left: number;
}

export const nothingEnsured = (): Ensured => ({ made: [], failed: [], left: 0 });

export const ensuredSoFar = ({ made, left }: Ensured): string =>
  `${count(made.length)} partitions were made and last, ${count(left)} are left. harness partitions ensure makes them`;

/**
 * Makes what is missing of one table, or of all that are kept up; each partition is a transaction.
 * @param done is kept up to date, so that whoever interrupts can say how far it got
 */
export async function ensureNow(
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

export const refusal = ({ table, reason }: Failed) =>
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

import type { Client } from "pg";
import { jsonOutput } from "../command-line/json-output.ts";
import { oneOf, wholeNumber } from "../command-line/option-values.ts";
import { HarnessError } from "../core/errors.ts";
import { methods, type Wish } from "../partitions/conversion.ts";
import type { Ending } from "../partitions/convert.ts";
import { print } from "../terminal/output.ts";
import { type PartitionOptions, periodOf, premakeOf } from "./partitions-options.ts";

export interface ConvertOptions extends PartitionOptions {
  key?: string | undefined;
  period?: string | undefined;
  timeZone?: string | undefined;
  method?: string | undefined;
  premake?: string | undefined;
  retention?: string | undefined;
  maxPartitions?: string | undefined;
  batch?: string | undefined;
  rate?: string | undefined;
  extendKeys?: boolean | undefined;
  pauseBeforeSwap?: boolean | undefined;
  rollback?: boolean | undefined;
  finish?: boolean | undefined;
  /** Seconds. */
  wait?: string | undefined;
}

export interface Session {
  client: Client;
  url: string;
  relation: string;
  options: ConvertOptions;
  branch: string | null;
}

/** @throws HarnessError `which-key`, `bad-option` */
export function wishOf({ relation, options }: Session): Wish {
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
    maxPartitions: wholeNumber("--max-partitions", options.maxPartitions, undefined, 100_000),
  };
}

export function report(session: Session, ending: Ending | "rolled-back"): void {
  const { relation, options, branch } = session;
  if (options.json) {
    print(jsonOutput({ branch, table: relation, ending }));
    return;
  }
  const words: Record<Ending | "rolled-back", string> = {
    done: `${relation} is partitioned`,
    finish: `${relation} is partitioned. The old table is kept without privileges; harness partitions convert ${relation} --finish drops it`,
    paused: `paused. ${goOn(relation)}`,
    "rolled-back": `nothing is left of the conversion of ${relation}`,
  };
  print(`${words[ending]}\n`);
}

export function say({ options }: Session, text: string): void {
  if (!options.json) print(`${text}\n`);
}

export const goOn = (relation: string) =>
  `harness partitions convert ${relation} goes on from there, with --rollback it is taken back.`;

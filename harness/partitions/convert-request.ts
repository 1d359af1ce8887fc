import { exitCodes, HarnessError } from "../core/errors.ts";
import type { Conversion, Method, Wish } from "./conversion.ts";
import { stepInWords } from "./convert-text.ts";

/** What is asked of a conversion. Undefined: as it was begun, or the default. */
export interface ConvertRequest {
  key: string | undefined;
  period: string | undefined;
  timeZone: string | undefined;
  method: Method | undefined;
  extendKeys: boolean;
  premake: number;
  /** An interval. */
  retention: string | undefined;
  maxPartitions: number | undefined;
}

/** @throws HarnessError `which-key` */
export function wishOf(relation: string, { key, ...request }: ConvertRequest): Wish {
  if (key === undefined) {
    throw new HarnessError({
      code: "which-key",
      message: `no conversion of ${relation} is under way`,
      hint: "To begin one, say by which column: --key created_at.",
    });
  }
  const { period = "month", timeZone = "UTC" } = request;
  return { ...request, relation, key, period, timeZone };
}

/**
 * The words of the first run count: who says something else now would be misled.
 * @throws HarnessError `conversion-under-way`
 */
export function refuseOtherWish(known: Conversion, { key, period, method, timeZone }: ConvertRequest): void {
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

export const nothingUnderWay = (relation: string): HarnessError =>
  new HarnessError({
    code: "no-conversion",
    message: `no conversion of ${relation} is under way`,
    hint: "It has not been begun, or it is complete.",
  });

export const notConvertedYet = ({ relation, step }: Conversion): HarnessError =>
  new HarnessError({
    code: "not-converted-yet",
    message: `the conversion of ${relation} is not that far: next it ${stepInWords[step]}`,
    hint: `harness partitions convert ${relation} goes on.`,
    exitCode: exitCodes.findings,
  });

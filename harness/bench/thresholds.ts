import { HarnessError } from "../core/errors.ts";
import { type Chosen, choose, nameOf } from "./load-scenarios.ts";
import type { Measured, Verdict } from "./report.ts";
import type { Scenario } from "./scenario.ts";

/** `rls/count<=1.2` limits a ratio, `verify/reference<=1000ms` the candidate's median. */
export interface Threshold {
  /** As it was given. */
  text: string;
  limit: number;
  of: "ratio" | "ms";
  comparisons: string[];
}

/**
 * @throws HarnessError `bad-option`, `unknown-scenario`, `unknown-comparison`; also for what this run does not measure, since
 * a limit that nothing is held against would look like one that is kept
 */
export function parseThreshold(
  text: string,
  scenarios: ReadonlyMap<string, Scenario>,
  chosen: readonly Chosen[],
): Threshold {
  const [, name, number, unit = ""] =
    /^\s*([^\s<=]+)\s*<=\s*(\d+(?:\.\d+)?)\s*(x|×|ms|s)?\s*$/.exec(text) ?? [];
  if (!name || !number) {
    throw new HarnessError({
      code: "bad-option",
      message: `--max does not understand ${JSON.stringify(text)}`,
      hint: "Write it like --max 'rls/count<=1.2' (a ratio) or --max 'verify/reference<=1000ms' (the candidate's median).",
    });
  }
  const measured = new Set(chosen.map(nameOf));
  const comparisons = choose(scenarios, [name])
    .map(nameOf)
    .filter((one) => measured.has(one));
  if (comparisons.length === 0) {
    throw new HarnessError({
      code: "bad-option",
      message: `--max ${text} is about ${name}, which this run does not measure`,
      hint: `Add ${name} to the scenarios to run, or leave the limit out.`,
    });
  }
  const absolute = unit === "ms" || unit === "s";
  const untimed = comparisons.find((one) => absolute && unitOf(scenarios, one) !== undefined);
  if (untimed) {
    throw new HarnessError({
      code: "bad-option",
      message: `--max ${text} is a time, and ${untimed} measures ${unitOf(scenarios, untimed)}`,
      hint: "Limit the ratio: a number without a unit.",
    });
  }
  return {
    text,
    limit: Number(number) * (unit === "s" ? 1000 : 1),
    of: absolute ? "ms" : "ratio",
    comparisons,
  };
}

function unitOf(scenarios: ReadonlyMap<string, Scenario>, name: string): string | undefined {
  const [scenario = "", comparison = ""] = name.split("/");
  return scenarios.get(scenario)?.comparisons[comparison]?.unit;
}

export function judge({ text, limit, of, comparisons }: Threshold, measured: readonly Measured[]): Verdict {
  const [worst] = measured
    .filter((one) => comparisons.includes(nameOf(one)))
    .map((one) => ({
      comparison: nameOf(one),
      value: of === "ratio" ? one.ratio.median : one.candidate.median,
    }))
    .sort((a, b) => b.value - a.value);
  if (!worst) throw new Error(`nothing was measured for ${text}`);
  return { threshold: text, limit, of, ...worst, met: worst.value <= limit };
}

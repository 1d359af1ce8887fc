import { count, size } from "../terminal/numbers.ts";
import type { Blocker, Conversion, Step, Wish } from "./conversion.ts";
import type { Ending } from "./convert.ts";
import { goOn } from "./go-on.ts";

/** What each step does, as the rest of a sentence about the command. */
export const stepInWords: Record<Step, string> = {
  build: "builds the partitioned table beside the old one",
  children: "makes the partitions",
  index: "builds the keys with the partition key, concurrently",
  bound: "declares where the old table ends",
  prove: "proves that no row lies beyond",
  watch: "has every change made in the copy too",
  copy: "copies the rows",
  verify: "compares the copy with the table",
  swap: "swaps",
  validate: "proves the foreign keys that refer to the table",
  finish: "waits for --finish",
};

/** What will be done and why so. */
export function describePlan(plan: Conversion, wish: Wish): string {
  const rows = plan.estimate > 0 ? `, about ${count(Math.round(plan.estimate))} rows` : "";
  const what =
    plan.method === "attach"
      ? `the old table becomes the partition up to ${plan.legacyUntil}, ${plan.partitions} follow; rows beyond are refused until the swap`
      : `rows are copied into ${plan.partitions} partitions from ${plan.oldest ?? "now"} on; rows that none is for are refused from then on\n  the copy takes about ${size(plan.bytes)} until --finish, and the log of it as much: see that there is room`;
  return `${plan.relation} by ${plan.key}, one ${plan.period} a partition${rows}\nmethod ${plan.method}: ${reason(plan, wish)}\n  ${what}\n`;
}

function reason(plan: Conversion, wish: Wish): string {
  if (wish.method) return "as asked";
  if (plan.method === "shadow")
    return wish.retention ? "rows are to go by age" : "rows lie beyond the current period";
  if (!plan.identified) return "no key tells its rows apart, and attaching copies none";
  return plan.newest === null && plan.estimate > 0
    ? "this role cannot read all rows, and attaching reads none"
    : "no row lies beyond the current period, and none is to go by age";
}

export function describeBlockers(blockers: readonly Blocker[]): string {
  if (blockers.length === 0) return "";
  const lines = blockers.map(({ object, reason: why, hint }) => `  ${object}: ${why}\n    ${hint}\n`);
  return `in the way:\n${lines.join("")}`;
}

/** How a run ended. */
export function describeEnding(relation: string, ending: Ending | "rolled-back"): string {
  const words: Record<Ending | "rolled-back", string> = {
    done: `${relation} is partitioned`,
    finish: `${relation} is partitioned. The old table is kept without privileges; harness partitions convert ${relation} --finish drops it`,
    paused: `paused. ${goOn(relation)}`,
    "rolled-back": `nothing is left of the conversion of ${relation}`,
  };
  return `${words[ending]}\n`;
}

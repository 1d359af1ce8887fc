import type { Outcome } from "../core/results.ts";
import type { Report } from "./report.ts";

const words: Record<Outcome, string> = {
  pass: "passed",
  fail: "failed",
  waived: "waived",
  skipped: "skipped",
  error: "could not run",
};

/** The judgement in two or three words, where isolation was asked about and where it was not; the exit code says the same. */
export function judgementOf({ model, summary, exitCode }: Report): string {
  if (exitCode === 1) return model ? "Not isolated" : "Findings";
  if (exitCode === 3) return model ? "Not proved" : "Not all decided";
  const well = model ? "Isolated" : "Clean";
  return summary.fail > 0 ? `${well}, with remarks` : well;
}

/** The figures behind it: `136 passed, 7 failed on 17 objects in 0.13 s`. */
export function countsOf({ summary, results }: Report): string {
  const outcomes = Object.keys(words) as Outcome[];
  const counts = outcomes
    .filter((outcome) => summary[outcome] > 0 || outcome === "pass" || outcome === "fail")
    .map((outcome) => `${summary[outcome]} ${words[outcome]}`)
    .join(", ");
  const objects = new Set(results.map(({ object }) => object)).size;
  return `${counts} on ${objects} objects in ${(summary.durationMs / 1000).toFixed(2)} s`;
}

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { HarnessError } from "../core/errors.ts";
import { type CheckInfo, findCheck, identityOf, type Result, severities } from "../core/results.ts";
import { waiverResult } from "./waivers.ts";

const baselineSchema = v.object({
  schemaVersion: v.literal(1),
  findings: v.array(
    v.object({ code: v.string(), object: v.string(), severity: v.picklist(severities) }),
  ),
});

/** The findings that were there when it was written: no time, no number of a row or an object, nothing that changes by itself. */
export type Baseline = v.InferOutput<typeof baselineSchema>;
export type KnownFinding = Baseline["findings"][number];

/** @throws HarnessError `baseline-unreadable` */
export function readBaseline(file: string): Baseline {
  let problem: string;
  try {
    const result = v.safeParse(baselineSchema, JSON.parse(readFileSync(file, "utf8")));
    if (result.success) return result.output;
    const [issue] = result.issues;
    problem = `${v.getDotPath(issue) ?? "the top level"}: ${issue.message}`;
  } catch (cause) {
    problem = (cause as Error).message;
  }
  throw new HarnessError({
    code: "baseline-unreadable",
    message: `${file} is no baseline that can be read: ${problem}`,
    hint: "Write one with --baseline FILE --write-baseline.",
  });
}

/**
 * Replaces the file at once, so that nobody reads half of it.
 * @throws HarnessError `baseline-not-written`
 */
export function writeBaseline(file: string, baseline: Baseline): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, `${JSON.stringify(baseline, null, 2)}\n`);
    renameSync(draft, file);
  } catch (cause) {
    throw new HarnessError({
      code: "baseline-not-written",
      message: `${file} cannot be written: ${(cause as Error).message}`,
      hint: "Check the path after --baseline.",
      cause,
    });
  }
}

/** What fails now, in an order that depends on nothing else. */
export function baselineOf(results: readonly Result[]): Baseline {
  const findings = results
    .filter(({ outcome }) => outcome === "fail")
    .map(({ code, object, severity }) => ({ code, object, severity }));
  return { schemaVersion: 1, findings: sorted(findings) };
}

/**
 * The results with the known findings marked as waived. A finding that has become worse than it was is a new one.
 * @returns also the entries that occur no more; one whose check was not decided is not among them
 */
export function applyBaseline(
  results: readonly Result[],
  baseline: Baseline,
  checks: readonly CheckInfo[],
): { results: Result[]; gone: KnownFinding[] } {
  const codeOf = (entry: KnownFinding) => findCheck(checks, entry.code)?.code ?? entry.code;
  const known = new Map(
    baseline.findings.map((entry) => [identityOf({ ...entry, code: codeOf(entry) }), entry]),
  );
  const occurring = new Set(results.filter(({ outcome }) => outcome === "fail" || outcome === "waived").map(identityOf));
  const undecided = new Set(
    results.filter(({ outcome }) => outcome === "skipped" || outcome === "error").map(({ code }) => code),
  );
  const gone = [...known].filter(([identity, entry]) => !occurring.has(identity) && !undecided.has(codeOf(entry)));
  return {
    results: results.map((result) => compare(result, known.get(identityOf(result)))),
    gone: gone.map(([, entry]) => entry),
  };
}

/** One result about the whole baseline: entries that occur no more are a remark, since they hide nothing yet. */
export function baselineResult(baseline: Baseline, gone: readonly KnownFinding[]): Result {
  if (gone.length === 0) {
    return waiverResult("baseline", { outcome: "pass", detail: `${baseline.findings.length} known findings` });
  }
  const named = gone.slice(0, 3).map(identityOf).join(", ");
  const more = gone.length > 3 ? ` and ${gone.length - 3} more` : "";
  const detail = `${named}${more} occur no more: --prune-baseline removes what is gone, so that it counts if it comes back`;
  return waiverResult("baseline", { outcome: "fail", severity: "low", detail });
}

/** The baseline without these entries. */
export function prune(baseline: Baseline, gone: readonly KnownFinding[]): Baseline {
  return { ...baseline, findings: sorted(baseline.findings.filter((entry) => !gone.includes(entry))) };
}

function compare(result: Result, entry: KnownFinding | undefined): Result {
  if (!entry || result.outcome !== "fail") return result;
  if (severities.indexOf(result.severity) > severities.indexOf(entry.severity)) {
    return { ...result, detail: `${result.detail}; the baseline knows it as ${entry.severity} only` };
  }
  const reason = "known when the baseline was written";
  const waiver = { source: "baseline" as const, reason, owner: null, expires: null };
  return { ...result, outcome: "waived", detail: `${result.detail}; in the baseline`, waiver };
}

function sorted(findings: KnownFinding[]): KnownFinding[] {
  const key = (entry: KnownFinding) => identityOf(entry);
  return [...findings].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

import { existsSync } from "node:fs";
import { HarnessError } from "../../core/errors.ts";
import { findCheck, identityOf, type Result, severities } from "../../core/results.ts";
import { type Baseline, type KnownFinding, readBaseline, writeBaseline } from "./baseline-file.ts";
import { type Scope, waiverResult } from "./waivers.ts";

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
  { checks, asked }: Scope,
): { results: Result[]; gone: KnownFinding[] } {
  const codeOf = (entry: KnownFinding) => findCheck(checks, entry.code)?.code ?? entry.code;
  const known = new Map(
    baseline.findings.map((entry) => [identityOf({ ...entry, code: codeOf(entry) }), entry]),
  );
  const occurring = new Set(
    results.filter(({ outcome }) => outcome === "fail" || outcome === "waived").map(identityOf),
  );
  const undecided = new Set(
    results.filter(({ outcome }) => outcome === "skipped" || outcome === "error").map(({ code }) => code),
  );
  const gone = [...known].filter(
    ([identity, entry]) =>
      !occurring.has(identity) && !undecided.has(codeOf(entry)) && !isUnasked(entry, { checks, asked }),
  );
  return {
    results: results.map((result) => compare(result, known.get(identityOf(result)))),
    gone: gone.map(([, entry]) => entry),
  };
}

export interface BaselineOptions {
  /** Path of the file. */
  baseline?: string;
  writeBaseline?: boolean;
  pruneBaseline?: boolean;
}

/** @throws HarnessError `no-baseline`, `baseline-unreadable`: before any work is done */
export function checkBaselineOptions({ baseline, writeBaseline, pruneBaseline }: BaselineOptions): void {
  if (baseline && !writeBaseline) readBaseline(baseline);
  const alone = writeBaseline ? "--write-baseline" : pruneBaseline ? "--prune-baseline" : null;
  if (baseline || !alone) return;
  throw new HarnessError({
    code: "no-baseline",
    message: `${alone} does not say which file`,
    hint: `Name it: --baseline FILE ${alone}.`,
  });
}

/** The results without the known findings; writes the file if that is asked for, and notes what it did. */
export function withBaseline(
  results: readonly Result[],
  { baseline: file, writeBaseline: writes, pruneBaseline: prunes }: BaselineOptions,
  scope: Scope,
): { results: Result[]; note: string | null } {
  if (!file) return { results: [...results], note: null };
  const baseline = writes ? written(results, file, scope) : readBaseline(file);
  const { results: compared, gone } = applyBaseline(results, baseline, scope);
  const left = prunes ? prune(baseline, gone) : baseline;
  if (writes || prunes) writeBaseline(file, left);
  const note = writes
    ? `${file}: ${left.findings.length} known findings written`
    : prunes
      ? `${file}: ${gone.length} findings removed, ${left.findings.length} left`
      : null;
  return { results: [...compared, baselineResult(left, prunes ? [] : gone)], note };
}

/** What fails now; of checks that were not asked, what the file has already. */
function written(results: readonly Result[], file: string, scope: Scope): Baseline {
  const { schemaVersion, findings } = baselineOf(results);
  const askedAll = scope.checks.every(({ code }) => scope.asked.has(code));
  const before = askedAll || !existsSync(file) ? [] : readBaseline(file).findings;
  const kept = before.filter((entry) => isUnasked(entry, scope));
  return { schemaVersion, findings: sorted([...findings, ...kept]) };
}

/** A code that no check has is unasked in no run: its entry is gone. */
function isUnasked({ code }: KnownFinding, { checks, asked }: Scope): boolean {
  const check = findCheck(checks, code);
  return check !== undefined && !asked.has(check.code);
}

/** One result about the whole baseline: entries that occur no more are a remark, since they hide nothing yet. */
export function baselineResult(baseline: Baseline, gone: readonly KnownFinding[]): Result {
  if (gone.length === 0) {
    return waiverResult("baseline", {
      outcome: "pass",
      detail: `${baseline.findings.length} known findings`,
    });
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

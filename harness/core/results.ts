import { type ExitCode, exitCodes } from "./errors.ts";

/** Five different things. What could not run is `skipped` or `error`, never `pass`. */
export type Outcome = "pass" | "fail" | "waived" | "skipped" | "error";

export const severities = ["low", "medium", "high", "critical"] as const;
export type Severity = (typeof severities)[number];

/** One answer of one check about one object. Fields are only ever added (docs/schemas). */
export interface Result {
  code: string;
  name: string;
  severity: Severity;
  /** What the check is about: roles, context, enablement, … */
  area: string;
  outcome: Outcome;
  /** Schema-qualified and quoted where needed, e.g. `public.bookings`, or a role. */
  object: string;
  /** One sentence. For `skipped` and `error`: the reason. */
  detail: string;
  /** The statement that leaks, runnable in psql as it stands. */
  evidence: string | null;
  /** The SQL that mends it. */
  fix: string | null;
  /** Path of the check's page. */
  docs: string;
  /** The section of the report that it is from. */
  section?: string;
  /** Why a finding does not count; on `waived` results only. */
  waiver?: Waiver;
}

/** `config`: a waiver of harness.config.json. `baseline`: known when the baseline was written. */
export interface Waiver {
  source: "config" | "baseline";
  reason: string;
  owner: string | null;
  /** YYYY-MM-DD, the last day on which it counts. */
  expires: string | null;
}

/** What is known of a check without running it. */
export interface CheckInfo {
  code: string;
  name: string;
  /** What holds when it passes, as a sentence without its full stop. */
  title: string;
  severity: Severity;
  area: string;
  docs: string;
  /** Codes and names that it had before: they go on meaning it. */
  aliases?: readonly string[];
}

/** A check by its code, its name or a former one of these, in upper or lower case. */
export function findCheck<C extends CheckInfo>(checks: readonly C[], word: string): C | undefined {
  const wanted = word.toLowerCase();
  const isCalled = (names: readonly string[]) => names.some((name) => name.toLowerCase() === wanted);
  return (
    checks.find(({ code, name }) => isCalled([code, name])) ??
    checks.find(({ aliases = [] }) => isCalled(aliases))
  );
}

/** 4a before H101, H101 before H1001. */
export function inOrderOfCodes(a: Pick<CheckInfo, "code">, b: Pick<CheckInfo, "code">): number {
  return a.code.localeCompare(b.code, "en", { numeric: true });
}

/** What a finding is recognised by from run to run: its check and its object, and nothing that changes by itself. */
export function identityOf({ code, object }: Pick<Result, "code" | "object">): string {
  return `${code} ${object}`;
}

/** What one capability found out about a target: `verify` about its isolation, `setup` about its roles, … */
export interface Section {
  name: string;
  /** The checks that were asked; of the others nothing is known. */
  asked: readonly CheckInfo[];
  results: readonly Result[];
  durationMs: number;
}

export interface Summary extends Record<Outcome, number> {
  tables: number;
  durationMs: number;
}

export function countOutcomes(results: readonly Result[]): Record<Outcome, number> {
  const counts: Record<Outcome, number> = { pass: 0, fail: 0, waived: 0, skipped: 0, error: 0 };
  for (const result of results) counts[result.outcome]++;
  return counts;
}

/** Failures at or above the threshold first; then incomplete coverage; a report of lesser findings is clean. */
export function exitCodeOf(results: readonly Result[], failOn: Severity): ExitCode {
  const threshold = severities.indexOf(failOn);
  const found = results.some((r) => r.outcome === "fail" && severities.indexOf(r.severity) >= threshold);
  if (found) return exitCodes.findings;
  const incomplete = results.some((r) => r.outcome === "skipped" || r.outcome === "error");
  return incomplete || results.length === 0 ? exitCodes.incomplete : exitCodes.clean;
}

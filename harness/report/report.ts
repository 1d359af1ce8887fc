import type { ExitCode } from "../core/errors.ts";
import { type Outcome, type Result, type Summary, severities } from "../core/results.ts";
import type { Subject } from "../core/subject.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** What was found, judged, as every report format receives it. The JSON of `verify` is described in docs/schemas/verify.schema.json. */
export interface Report extends Subject {
  schemaVersion: 1;
  /** In the order in which they were asked; `waivers` last, if there are any. */
  sections: SectionSummary[];
  summary: Summary;
  exitCode: ExitCode;
  results: Result[];
}

export interface SectionSummary extends Record<Outcome, number> {
  name: string;
  durationMs: number;
}

/** A report format is a file of formats/ with this default export. */
export type Format = (report: Report, terminal: Terminal) => string;

/** Results with one of the outcomes; the worst severity first, otherwise in the order of the checks. */
export function resultsThat(report: Report, ...outcomes: Outcome[]): Result[] {
  return report.results
    .filter(({ outcome }) => outcomes.includes(outcome))
    .sort((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity));
}

/** Where the report is from, in parts that follow each other in a line. */
export function targetParts({ target }: Report): string[] {
  const parts = [
    target.branch && `branch ${target.branch}`,
    target.database,
    `PostgreSQL ${target.serverVersion}`,
    target.flavor,
    target.inRecovery && "standby",
  ];
  return parts.filter((part): part is string => Boolean(part));
}

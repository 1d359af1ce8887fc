import type { ExitCode } from "../core/errors.ts";
import { type Outcome, type Result, type Summary, severities } from "../core/results.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** What `verify` found, as every report format receives it. Its JSON is described in docs/schemas/verify.schema.json. */
export interface Report {
  schemaVersion: 1;
  target: {
    branch: string | null;
    provider: string;
    database: string;
    user: string;
    superuser: boolean;
    inRecovery: boolean;
    serverVersion: string;
    flavor: string;
    protected: boolean;
  };
  model: {
    source: "config" | "discovered";
    /** How sure discovery is; null if the configuration said it. */
    confidence: "high" | "medium" | "low" | null;
    notes: string[];
    /** Empty if each table has its own. */
    tenantColumn: string;
    tenantRoles: string[];
    context: { claim: string | null; setting: string | null };
    tables: { table: string; tenantColumn: string; type: string }[];
    exempt: { table: string; reason: string }[];
  };
  summary: Summary;
  exitCode: ExitCode;
  results: Result[];
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

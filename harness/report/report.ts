import type { ExitCode } from "../core/errors.ts";
import type { Result, Summary } from "../core/results.ts";

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
export type Format = (report: Report, options: { color: boolean }) => string;

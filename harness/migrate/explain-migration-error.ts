import { isConnectionLoss } from "../core/connection-loss.ts";
import { HarnessError } from "../core/errors.ts";
import type { ChildError } from "./child.ts";
import type { Holder } from "./child-session.ts";

export interface FailedRun {
  command: string;
  /** All that graphile-migrate said. */
  lines: string[];
  /** The error as it was thrown; null if the child ended without a word. */
  failure: ChildError | null;
  /** Whom it waited for last. */
  holder: Holder | null;
}

/** What a migration is not to blame for, by SQLSTATE: nothing of it has to be corrected. */
const passing: Record<string, { code: string; hint: string }> = {
  "55P03": { code: "waited-for-lock", hint: "Run this again once that session is done" },
  "40P01": { code: "waited-for-lock", hint: "It and another session waited for each other: run this again" },
  "57014": {
    code: "timed-out",
    hint: "Raise the statement_timeout of the role, or set it in the migration, and run this again",
  },
  "53100": { code: "disk-full", hint: "Free some space on the server, and run this again" },
  "53200": { code: "out-of-memory", hint: "Look at the server, and run this again" },
  "25006": { code: "read-only", hint: "This is a standby, or the role may only read: use the primary" },
};

export function explainMigrationError({ command, lines, failure, holder }: FailedRun): HarnessError {
  const said = lines.join("\n");
  const cause = new Error(said);
  const message = failure?.message ?? lastWords(lines);
  if (/Failed to get exclusive lock/.test(message)) {
    return new HarnessError({
      code: "migration-locked",
      message: "another run of graphile-migrate holds its lock on this database",
      hint: "Wait for it; after a crash the server lets go of it within seconds.",
    });
  }
  const line = /Error occurred at line (\d+)/.exec(said)?.[1];
  const file = [...said.matchAll(/Running migration '([^']+)'/g)].at(-1)?.[1];
  const where = file ? `migration ${file}${line ? `, line ${line}` : ""}` : `graphile-migrate ${command}`;
  const sqlstate = failure?.code ?? "";
  if (!failure || isConnectionLoss(failure)) {
    return new HarnessError({
      code: "connection-lost",
      message: `${where}: the connection to the server was lost before it was done`,
      hint: "The server rolls back what was not committed, so this is safe to repeat; `harness status` says what the branch has. (A file that begins with --! no-transaction may have been done in part.)",
      cause,
    });
  }
  const known = passing[sqlstate];
  const inTheWay = holder && sqlstate === "55P03" ? `, held by ${holder.who}` : "";
  if (known) {
    return new HarnessError({
      code: known.code,
      message: `${where}: ${message} (${sqlstate})${inTheWay}`,
      hint: `${known.hint}. It was rolled back and needs no change.`,
      cause,
    });
  }
  const hint = failure.hint ? `${failure.hint} ` : "";
  return new HarnessError({
    code: "migration-failed",
    message: `${where}: ${message}${/^[0-9A-Z]{5}$/.test(sqlstate) ? ` (${sqlstate})` : ""}`,
    hint: `${hint}It was rolled back; correct it and run this again. --debug shows all that graphile-migrate said.`,
    cause,
  });
}

function lastWords(lines: string[]): string {
  return lines.at(-1) ?? "it said nothing";
}

import type { DatabaseError } from "pg";
import { isConnectionLoss } from "../core/connection-loss.ts";
import { HarnessError } from "../core/errors.ts";

interface Failure {
  applies(error: DatabaseError): boolean;
  code: string;
  hint: string;
}

/** The runbook's failure modes, as a tenant's statement meets them, each with its cure. */
const failures: Failure[] = [
  {
    applies: ({ code, message }) => code === "42501" && /row-level security/.test(message),
    code: "refused-by-row-security",
    hint: "This is intended: the row belongs to another tenant than the context names. An API answers 403.",
  },
  {
    applies: ({ code, message }) => code === "42501" && /set role/i.test(message),
    code: "may-not-set-role",
    hint: "The login is no member of the role with the SET option: run `harness setup`, or see check 4b.",
  },
  {
    applies: ({ code, message }) => code === "42501" && /for (table|sequence|relation|view)/.test(message),
    code: "grants-missing",
    hint: "The grants of the per-branch set-up are missing: run `harness setup`. A table under PII protection is read through its views.",
  },
  {
    applies: ({ code, message }) =>
      (code === "42704" || code === "22023") && /role ".*" does not exist/.test(message),
    code: "role-missing",
    hint: "This branch was never set up: run `harness setup` (on Neon: enable the Data API on it).",
  },
  {
    applies: ({ code }) => code === "57014",
    code: "timed-out",
    hint: "The statement took longer than its limit.",
  },
];

/** A statement's error in one line, with the cure where the runbook knows one. A connection that was lost is no fault of the statement. */
export function explainQueryError(error: DatabaseError): Error {
  if (isConnectionLoss(error)) return error;
  const found = failures.find((failure) => failure.applies(error));
  return new HarnessError({
    code: found?.code ?? "statement-failed",
    message: `${error.message} (${error.code})`,
    hint: found?.hint ?? error.hint ?? "Correct the statement.",
    cause: error,
  });
}

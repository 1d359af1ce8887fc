import pg from "pg";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { explainQueryError } from "../sql/explain-query-error.ts";

interface Explanation {
  code: string;
  hint?: string;
  exitCode?: ExitCode;
}

/** By SQLSTATE (docs/pii.md). The messages of the functions hold neither keys nor values. */
const explanations: Record<string, Explanation> = {
  PI001: { code: "missing-pii-key", hint: "Set HARNESS_PII_KEY." },
  PI002: { code: "malformed-pii-key" },
  PI003: {
    code: "wrong-pii-key",
    hint: "HARNESS_PII_KEY has to be the key that the data was sealed under, or the next one during a rotation.",
  },
  PI004: { code: "damaged-value", exitCode: exitCodes.findings },
  PI005: { code: "damaged-value", exitCode: exitCodes.findings },
  PI006: { code: "erased", exitCode: exitCodes.findings },
  PI020: { code: "phase-refused", exitCode: exitCodes.findings },
  PI022: { code: "erasure-incomplete", exitCode: exitCodes.findings },
  PI021: { code: "rotation-refused", exitCode: exitCodes.findings },
  P0002: { code: "nobody-there", hint: "Check the ids; nothing was changed." },
  "55P03": {
    code: "table-busy",
    hint: "Another session holds a lock for long: find it in pg_stat_activity, then run this again.",
  },
  "57014": {
    code: "timed-out",
    hint: "Run it again when the server is less busy, or with a smaller --batch.",
  },
};

/** A HarnessError for what the database refused; anything else as it is. */
export function explainPiiError(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const known = explanations[error.code ?? ""];
  if (known) {
    const { message, hint = "See docs/pii.md.", code } = error;
    return new HarnessError({ hint, message: `${message} (${code})`, cause: error, ...known });
  }
  if (/"app_background"/.test(error.message)) {
    return new HarnessError({
      code: "role-refused",
      message: `the connection cannot become app_background: ${error.message}`,
      hint: "Run harness setup on this branch.",
      cause: error,
    });
  }
  return explainQueryError(error);
}

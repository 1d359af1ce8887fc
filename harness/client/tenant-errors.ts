import { HarnessError } from "../core/errors.ts";

/** The transaction's connection broke between two statements, so nothing of it lasts. */
export function explainLoss(cause: unknown, idleBeyondLimit: boolean): HarnessError {
  const { code = "", message } = cause as { code?: string; message?: string };
  // A pooler passes the end of a connection on, but not always the server's reason.
  const reasonUnknown = !/^57P0[123]$/.test(code);
  if (code === "25P03" || (idleBeyondLimit && reasonUnknown)) {
    return new HarnessError({
      code: "transaction-held-open",
      message: "the server ended the transaction because it waited too long for its next statement",
      hint: "Fetch before the first statement or after withTenant, or ask for more time with maxIdleMs.",
      cause,
    });
  }
  return new HarnessError({
    code: "connection-lost",
    message: `the connection was lost within the transaction, and nothing of it lasts: ${message}`,
    hint: "Call withTenant again if what the function does may be done twice.",
    cause,
  });
}

export function uncertain(cause: unknown): HarnessError {
  return new HarnessError({
    code: "commit-uncertain",
    message: "the connection was lost during COMMIT: the transaction may or may not have lasted",
    hint: "Look for its effect before you repeat it.",
    cause,
  });
}

/** A failed statement dooms its transaction, whether the function caught the error or not. */
export function aborted(cause: unknown): HarnessError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new HarnessError({
    code: "transaction-aborted",
    message: `a statement failed and its error was swallowed, so nothing was committed${why}`,
    hint: "Let the error out of the function, or put a savepoint before a statement that may fail.",
    cause,
  });
}

export function ended(): HarnessError {
  return new HarnessError({
    code: "transaction-ended",
    message: "a statement of the function ended the tenant's transaction",
    hint: "Leave BEGIN, COMMIT and ROLLBACK to withTenant.",
  });
}

export function over(): HarnessError {
  return new HarnessError({
    code: "transaction-over",
    message: "this transaction is over: its handle was used after withTenant's function had ended",
    hint: "Await every statement inside the function, and keep its handle nowhere.",
  });
}

/** Exit codes of the command line (docs/commands.md). Scripts rely on them: never renumber. */
export const exitCodes = {
  clean: 0,
  findings: 1,
  usage: 2,
  incomplete: 3,
  threshold: 4,
  bug: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface ErrorDetails {
  /** Stable kebab-case name, e.g. `connection-refused`. */
  code: string;
  /** What is wrong, without a full stop, in one line. */
  message: string;
  /** What to do about it, as a sentence. */
  hint?: string;
  exitCode?: ExitCode;
  cause?: unknown;
}

/** Every error that a user can cause or mend. Anything else that reaches the top is a bug. */
export class HarnessError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor({ code, message, hint, exitCode = exitCodes.usage, cause }: ErrorDetails) {
    super(message, { cause });
    this.name = "HarnessError";
    this.code = code;
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** The SQLSTATE that a server gave an error, or its cause; empty if no server did. */
export function sqlstateOf(error: unknown): string {
  const said = error instanceof HarnessError ? error.cause : error;
  return (said as { code?: string } | undefined)?.code ?? "";
}

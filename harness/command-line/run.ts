import { isInterrupted } from "../core/cleanup.ts";
import { exitCodes, HarnessError } from "../core/errors.ts";
import { printable, printableLines } from "../core/printable.ts";
import { redact } from "../core/redaction.ts";
import { note } from "../terminal/output.ts";

/** One line: what is wrong, what to do, the code to search for. The stack only with --debug. */
export function describeError(error: unknown, debug = false): string {
  const known = error instanceof HarnessError;
  const message = (error instanceof Error ? error.message : String(error)).trim();
  const hint = known ? error.hint : "This is a bug in harness: run again with --debug and report it.";
  // the code is ours and no secret, whatever words a password is made of
  const code = `[${known ? error.code : "bug"}]`;
  const line = `${redact(printable(`harness: ${message.replace(/\s*\n\s*/g, " ")}${hint ? `. ${hint}` : ""}`))} ${code}`;
  if (!debug) return line;
  const stacks: string[] = [];
  for (let e: unknown = error; e instanceof Error; e = e.cause) stacks.push(e.stack ?? e.message);
  return [line, redact(stacks.map(printableLines).join("\n"))].join("\n");
}

/**
 * Wraps a command function for commander: whatever it returns is the exit code, whatever it throws
 * becomes one line on stderr. The process ends by itself, so that open files and servers are let go
 * of in order.
 */
export function run<Arguments extends unknown[]>(
  command: (...args: Arguments) => Promise<number | undefined>,
): (...args: Arguments) => Promise<void> {
  return async (...args) => {
    try {
      process.exitCode = (await command(...args)) ?? exitCodes.clean;
    } catch (error) {
      if (isInterrupted()) return; // whoever handles the signal ends the process and says why
      const debug = process.argv.includes("--debug");
      note(`${describeError(error, debug)}`);
      process.exitCode = error instanceof HarnessError ? error.exitCode : exitCodes.bug;
    }
  };
}

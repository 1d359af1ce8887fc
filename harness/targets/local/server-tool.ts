import { spawn } from "node:child_process";
import { basename } from "node:path";
import { HarnessError } from "../../core/errors.ts";
import type { OsUser } from "./os-user.ts";

/** A bare environment: PG*, LC_* and TZ of whoever calls must not decide how a cluster turns out. */
export const serverEnvironment: Record<string, string> = {
  PATH: process.env.PATH ?? "",
  LC_ALL: "C",
  TZ: "UTC",
};

/** Node drops root's supplementary groups too when it changes the user. */
export function asUser(user: OsUser | null): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {};
}

/**
 * Runs one of the server's programs to its end. `input` goes to its standard input, which is how passwords get in:
 * arguments are readable by every user of the machine.
 */
export async function runServerTool(
  program: string,
  args: readonly string[],
  { user, input = "" }: { user: OsUser | null; input?: string },
): Promise<void> {
  const child = spawn(program, args, { ...asUser(user), cwd: "/", env: serverEnvironment, stdio: "pipe" });
  let complaint = "";
  child.stdout.resume();
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-4000);
  });
  // A program that ends before it has read everything says why on stderr.
  child.stdin.on("error", () => undefined).end(input);
  const failure = await new Promise<string | null>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(code === 0 ? null : (signal ?? `exit code ${code}`)));
  });
  if (failure === null) return;
  const reasons = complaint.split("\n").filter((line) => /error|fatal|panic/i.test(line));
  throw new HarnessError({
    code: "server-tool-failed",
    message: `${basename(program)} failed (${failure}): ${reasons.at(-1)?.trim() ?? complaint.trim()}`,
    hint: "Is the disk full, or a library of the operating system missing?",
  });
}

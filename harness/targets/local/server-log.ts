import { fstatSync, openSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { HarnessError } from "../../core/errors.ts";
import { redact } from "../../core/redaction.ts";
import type { LocalBranch } from "./branch-folder.ts";

const limitBytes = 1_000_000;

const logFile = ({ folder }: LocalBranch) => join(folder, "server.log");

/** The branch's log, to be written to by a server that starts now. It begins anew when it has grown long. */
export function openLog(branch: LocalBranch): { fd: number; sinceStart: () => string } {
  const file = logFile(branch);
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > limitBytes) truncateSync(file);
  const fd = openSync(file, "a", 0o600);
  const { size } = fstatSync(fd);
  return { fd, sinceStart: () => readFileSync(file).subarray(size).toString() };
}

/** Postgres's own reason, in one line. */
export function didNotStart(branch: LocalBranch, log: string): HarnessError {
  const lines = log.trim().split("\n");
  const reason = lines.findLast((line) => /FATAL|PANIC/.test(line)) ?? lines.at(-1) ?? "";
  const { name } = branch;
  return new HarnessError({
    code: "server-did-not-start",
    message: `the server of the branch "${name}" did not start: ${redact(reason.replace(/^.*?(FATAL|PANIC):\s*/, ""))}`,
    hint: `Look into ${logFile(branch)}. Its data is in ${branch.data}; harness branch delete ${name} throws that away.`,
  });
}

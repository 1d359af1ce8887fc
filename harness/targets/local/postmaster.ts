import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { branchesFolder } from "./state.ts";

export interface Postmaster {
  pid: number;
  port: number;
  ready: boolean;
}

/** The server that runs on a data folder, or null. Postgres's own postmaster.pid says it. */
export function readPostmaster(data: string): Postmaster | null {
  const lines = readLines(join(data, "postmaster.pid"));
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!pid || !isPostmaster(pid, data)) return null;
  return { pid, port, ready: port > 0 && lines[7]?.trim() === "ready" };
}

/**
 * The process id in a postmaster.pid that a killed server left behind, if it now belongs to another process, as
 * happens after a reboot. Postgres would wait for that process to go away.
 */
export function recycledPid(data: string): number | null {
  const pid = Number(readLines(join(data, "postmaster.pid"))[0]);
  return pid && isAlive(pid) && !isPostmaster(pid, data) ? pid : null;
}

/**
 * Removes a postmaster.pid that names no process, which a full disk or a power cut leaves and Postgres itself refuses, unless a server runs on
 * the folder all the same.
 * @returns whether it was removed
 */
export function removeBogusLock(data: string): boolean {
  const file = join(data, "postmaster.pid");
  const found = statSync(file, { throwIfNoEntry: false });
  // A server that is starting fills it at once.
  if (!found || Date.now() - found.mtimeMs < 2_000) return false;
  if (Number(readLines(file)[0]) || runsOn(data)) return false;
  rmSync(file, { force: true });
  return true;
}

/** Whether a process of ours serves this folder, whatever its postmaster.pid says. */
function runsOn(data: string): boolean {
  const commands =
    process.platform === "linux"
      ? readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (commandLine(Number(name)) ?? []) : []))
      : execFileSync("ps", ["-axww", "-o", "command="], { encoding: "utf8" }).split("\n");
  return commands.some((command) => command.includes(` -D ${data} -p `));
}

/** The port that a server on this data folder had last: it stays the same while nobody else takes it. */
export function lastPort(data: string): number | null {
  return Number(/"-p" "(\d+)"/.exec(lastCommand(data))?.[1]) || null;
}

/** Folders of the server copies that servers of this state are running from. */
export function serversInUse(state: string): Set<string> {
  const branches = branchesFolder(state);
  const folders = readdirSync(branches)
    .map((name) => join(branches, name, "data"))
    .filter((data) => readPostmaster(data))
    .map((data) => /^(\S.*)\/bin\/postgres "/.exec(lastCommand(data))?.[1] ?? "");
  return new Set(folders);
}

function lastCommand(data: string): string {
  return readLines(join(data, "postmaster.opts"))[0] ?? "";
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A pid alone proves nothing, since they are recycled; the command line of our servers names the data folder. */
export function isPostmaster(pid: number, data: string): boolean {
  if (!isAlive(pid)) return false;
  const command = commandLine(pid);
  return command === null || command.includes(` -D ${data} -p `);
}

/** The arguments with spaces between; null where they can't be found out, empty for a zombie. */
function commandLine(pid: number): string | null {
  try {
    if (process.platform === "linux")
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return execFileSync("ps", ["-o", "command=", "-ww", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    return null;
  }
}

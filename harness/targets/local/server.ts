import { spawn } from "node:child_process";
import { closeSync, existsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { HarnessError } from "../../core/errors.ts";
import { type LocalBranch, unknownBranch } from "./branch-folder.ts";
import { carriesExtensions } from "./flavor.ts";
import {
  isPostmaster,
  lastPort,
  type Postmaster,
  readPostmaster,
  recycledPid,
  removeBogusLock,
} from "./postmaster.ts";
import { type ServerFiles, serverFiles } from "./server-files.ts";
import { didNotStart, openLog } from "./server-log.ts";
import { serverEnvironment } from "./server-tool.ts";

/** Long enough for crash recovery, and for a stopping server to write its last checkpoint. */
const patienceMs = 60_000;
const pollMs = 5;

/**
 * The branch's server, started if need be. Of several starters Postgres lets one win, by its lock on the data
 * folder; the others find the winner's server.
 */
export async function ensureRunning(branch: LocalBranch): Promise<Postmaster> {
  const deadline = Date.now() + patienceMs;
  let port = lastPort(branch.data);
  while (Date.now() < deadline) {
    const running = readPostmaster(branch.data);
    if (running?.ready) return running;
    if (running) {
      await delay(pollMs);
      continue;
    }
    if (!existsSync(branch.data)) throw unknownBranch(branch.name, branch.state);
    port ??= await freePort();
    const complaint = await startOnce(branch, port);
    if (complaint === null) continue;
    if (/could not bind|could not create any TCP/.test(complaint)) port = null;
    else if (/lock file .* is empty|bogus data in lock file/.test(complaint)) {
      if (!removeBogusLock(branch.data)) await delay(100);
    }
    // Another starter was quicker, or the last processes of a killed server have not ended yet.
    else if (/lock file|still in use/.test(complaint)) await delay(4 * pollMs);
    else throw didNotStart(branch, complaint);
  }
  throw didNotStart(branch, `it was not ready after ${patienceMs / 1000} s`);
}

/** Ends the server as `pg_ctl stop -m fast` does, and waits until it is gone. */
export async function stopServer({ pid }: Postmaster, data: string): Promise<void> {
  const patience: [NodeJS.Signals, number][] = [
    ["SIGINT", patienceMs],
    ["SIGQUIT", 5_000],
    ["SIGKILL", 5_000],
  ];
  for (const [signal, waitMs] of patience) {
    if (!isPostmaster(pid, data)) return;
    sendSignal(pid, signal);
    for (const end = Date.now() + waitMs; Date.now() < end && isPostmaster(pid, data); ) await delay(pollMs);
  }
}

/** Starts a server and waits for any server to be ready; what the log says if this one ended before. */
async function startOnce(branch: LocalBranch, port: number): Promise<string | null> {
  const { data, record } = branch;
  const server = await matchingServer(branch);
  const log = openLog(branch);
  const stale = recycledPid(data);
  const { uid, gid } = statSync(data);
  const child = spawn(
    join(server.folder, "bin/postgres"),
    ["-D", data, "-p", String(port), ...serverSettings(record.durable).flatMap((s) => ["-c", s])],
    {
      // Out of our process group, so that Ctrl-C reaches us and not the server.
      detached: true,
      cwd: "/",
      stdio: ["ignore", log.fd, log.fd],
      // Postgres overlooks a lock file of its grandparent: the way to tell it that this process is no server.
      env: { ...serverEnvironment, ...(stale ? { PG_GRANDPARENT_PID: String(stale) } : {}) },
      ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    },
  );
  closeSync(log.fd);
  let ended: string | null = null;
  child.once("error", (error) => (ended = error.message));
  child.once("exit", () => (ended ??= log.sinceStart()));
  try {
    while (ended === null && !readPostmaster(data)?.ready) await delay(pollMs);
    return readPostmaster(data)?.ready ? null : ended;
  } finally {
    child.removeAllListeners("exit").unref();
  }
}

function serverSettings(durable: boolean): string[] {
  return [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    // Statements and error messages carry people's data and passwords; whoever sent them is told anyway.
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_statement=none",
    "log_checkpoints=off",
    ...(durable ? [] : ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]),
  ];
}

async function matchingServer({ name, state, record }: LocalBranch): Promise<ServerFiles> {
  const server = await serverFiles(state, record.package, carriesExtensions(record.flavor, record.package));
  if (server.major === record.pg) return server;
  throw new HarnessError({
    code: "other-server-version",
    message: `the branch "${name}" was made by PostgreSQL ${record.pg}, and this harness brings ${server.major}`,
    hint: `Make it anew: harness branch delete ${name}, then harness branch create ${name}.`,
  });
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it has just ended by itself
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(address && typeof address === "object" ? address.port : 0));
    });
  });
}

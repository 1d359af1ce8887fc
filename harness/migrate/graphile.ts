import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { stripVTControlCharacters } from "node:util";
import type { Client } from "pg";
import { onExit } from "../core/cleanup.ts";
import { packageRoot } from "../core/project.ts";
import { redact } from "../core/redaction.ts";
import type { ChildError, ChildTask } from "./child.ts";
import { endSessions, type Holder, watchHolder } from "./child-session.ts";
import { explainMigrationError } from "./explain-migration-error.ts";

export interface GraphileRun extends Omit<ChildTask, "config" | "pgSettings"> {
  root: string;
  /** Connected to the same server: sees who is in the way, and ends what an interruption would leave behind. */
  client: Client;
  /** Connection strings and the like: in the environment, since arguments are visible to everybody. */
  env: Record<string, string>;
  pgSettings?: Record<string, string>;
  onLine?: (line: string) => void;
}

/**
 * Runs graphile-migrate as a child process, never as a library: there it would end our process when a connection drops. The child and
 * its sessions end with us, whatever ends us.
 * @throws HarnessError `migration-failed` and its kin, with what graphile-migrate said
 */
export async function graphileMigrate({ root, client, env, onLine, ...task }: GraphileRun): Promise<void> {
  const session = `harness migrate ${randomBytes(6).toString("hex")}`;
  const pgSettings = await sessionSettings(client, task);
  // From the build also where we run as sources: a child has no compiler.
  const child = spawn(process.execPath, [join(packageRoot, "dist", "migrate", "child.js")], {
    cwd: root,
    env: { ...process.env, ...env, PGAPPNAME: session, FORCE_COLOR: "0" },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const lines: string[] = [];
  const listen = (chunk: Buffer) => {
    for (const line of redact(stripVTControlCharacters(chunk.toString())).split("\n").filter(Boolean)) {
      lines.push(line);
      onLine?.(line);
    }
  };
  child.stdout?.on("data", listen);
  child.stderr?.on("data", listen);
  let failure: ChildError | null = null;
  child.on("message", (error: ChildError) => (failure = error));
  // Not "close", which never comes once we have closed the channel.
  const exited = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
  const closed = Promise.all([exited, streamEnd(child.stdout), streamEnd(child.stderr)]);
  let holder: Holder | null = null;
  const stopWatching = watchHolder(client, session, (found) => (holder = found));
  const release = onExit(async () => {
    if (child.connected) child.disconnect();
    await closed.catch(() => undefined);
    await stopWatching();
    await endSessions(client, session);
  });
  child.send({ ...task, config: join(root, ".gmrc"), pgSettings });
  const [status] = await closed.finally(release);
  if (status !== 0) throw explainMigrationError({ command: task.command, lines, failure, holder });
}

async function streamEnd(stream: Readable | null): Promise<void> {
  if (stream) await finished(stream, { writable: false }).catch(() => undefined);
}

/** With the server asked every half second whether the child is still there: not every server can tell. */
async function sessionSettings(
  client: Client,
  { pgSettings }: Pick<GraphileRun, "pgSettings">,
): Promise<Record<string, string>> {
  const check = { client_connection_check_interval: "500ms" };
  try {
    await client.query(
      `begin; set local client_connection_check_interval = '${check.client_connection_check_interval}'; rollback`,
    );
    return { ...check, ...pgSettings };
  } catch {
    await client.query("rollback").catch(() => undefined);
    return { ...pgSettings };
  }
}

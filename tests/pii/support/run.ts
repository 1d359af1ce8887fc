import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Client } from "pg";
import { vi } from "vitest";
import { packageRoot } from "../../../harness/core/project.ts";

export interface Ended {
  status: number | null;
  stderr: string;
}

export interface Running {
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Asks it to end, as Ctrl-C or an orchestrator does. */
  signal(name: "SIGINT" | "SIGTERM"): void;
  ended(): boolean;
  end: Promise<Ended>;
}

/** The command line in a process of its own that can be killed. */
export function start(args: string[], env: Record<string, string>): Running {
  const child = spawn(process.execPath, [join(packageRoot, "dist", "cli.js"), ...args], {
    cwd: packageRoot,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr?.on("data", (chunk) => (stderr += chunk));
  const end = new Promise<Ended>((resolve) => child.on("close", (status) => resolve({ status, stderr })));
  return {
    ended: () => child.exitCode !== null,
    end,
    signal: (name) => child.kill(name),
    async kill() {
      child.kill("SIGKILL");
      await end;
    },
  };
}

/** Waits until a batch is under way, after enough has been seen to last. The process id of the backend that does it. */
export async function inMidBatch(
  client: Client,
  running: Running,
  enough: () => Promise<boolean> = async () => true,
): Promise<number> {
  for (;;) {
    if (running.ended()) throw new Error("it had ended before anything could be done to it");
    if (!(await enough())) continue;
    const { rows } = await client.query(
      `select pid from pg_stat_activity
        where datname = current_database() and application_name like 'harness pii%' and state = 'active' and query like '%pii.seal_batch%'`,
    );
    if (rows.length > 0) return rows[0].pid;
  }
}

/** Kills a run while a batch of it is under way, after the given number of transactions has been seen to last. */
export async function killInMidBatch(
  client: Client,
  running: Running,
  enough: () => Promise<boolean>,
): Promise<void> {
  await inMidBatch(client, running, enough);
  await running.kill();
  // what the killed one has begun is rolled back when the server notices
  await vi.waitFor(async () => {
    const { rowCount } = await client.query(
      "select from pg_stat_activity where datname = current_database() and application_name like 'harness pii%'",
    );
    if (rowCount) throw new Error("its connections are still there");
  }, 30_000);
}

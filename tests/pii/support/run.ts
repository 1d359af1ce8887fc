import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Client } from "pg";
import { vi } from "vitest";
import { packageRoot } from "../../../harness/core/project.ts";

export interface Running {
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  ended(): boolean;
}

/** The command line in a process of its own that can be killed. */
export function start(args: string[], env: Record<string, string>): Running {
  const child = spawn(process.execPath, [join(packageRoot, "dist", "cli.js"), ...args], {
    cwd: packageRoot,
    env: { ...process.env, ...env },
    stdio: "ignore",
  });
  const closed = new Promise<void>((resolve) => child.on("close", () => resolve()));
  return {
    ended: () => child.exitCode !== null,
    async kill() {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

/** Kills a run while a batch of it is under way, after the given number of transactions has been seen to last. */
export async function killInMidBatch(
  client: Client,
  running: Running,
  enough: () => Promise<boolean>,
): Promise<void> {
  for (;;) {
    if (running.ended()) throw new Error("it had ended before it could be killed");
    if (!(await enough())) continue;
    const { rowCount } = await client.query(
      `select from pg_stat_activity
        where datname = current_database() and application_name like 'harness pii%' and state = 'active' and query like '%pii.seal_batch%'`,
    );
    if (rowCount) break;
  }
  await running.kill();
  // what the killed one has begun is rolled back when the server notices
  await vi.waitFor(async () => {
    const { rowCount } = await client.query(
      "select from pg_stat_activity where datname = current_database() and application_name like 'harness pii%'",
    );
    if (rowCount) throw new Error("its connections are still there");
  }, 30_000);
}

import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { packageRoot } from "../../../harness/core/project.ts";

export interface Ended {
  /** Null: it was killed. */
  status: number | null;
  output: string;
}

/**
 * Runs the command line, and ends it as a power cut would: when `when` says so of what it has printed so far, and a moment later; never if
 * `when` never does.
 */
export async function runUntil(
  args: string[],
  when: (output: string) => boolean,
  delayMs: number,
): Promise<Ended> {
  const child = spawn(process.execPath, [join(packageRoot, "dist", "cli.js"), ...args], {
    cwd: packageRoot,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let doomed = false;
  const look = (chunk: unknown) => {
    output += chunk;
    if (doomed || !when(output)) return;
    doomed = true;
    setTimeout(() => child.kill("SIGKILL"), delayMs);
  };
  child.stdout.on("data", look);
  child.stderr.on("data", look);
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { status, output };
}

/** Runs it and kills it after so long. */
export async function runFor(args: string[], ms: number): Promise<Ended> {
  const child = spawn(process.execPath, [join(packageRoot, "dist", "cli.js"), ...args], {
    cwd: packageRoot,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  const timer = new AbortController();
  const killed = sleep(ms, undefined, { signal: timer.signal }).then(
    () => child.kill("SIGKILL"),
    () => undefined,
  );
  const status = await closed;
  timer.abort();
  await killed;
  return { status, output };
}

/** What comes next; undefined if there is no conversion, because it is not begun or complete. */
export async function stepOf(client: Client, relation: string): Promise<string | undefined> {
  const { rows: known } = await client.query(
    "select to_regclass('partitions.conversions') is not null as there",
  );
  if (!known[0].there) return undefined;
  const { rows } = await client.query("select step from partitions.conversions where relation = $1", [
    relation,
  ]);
  return rows[0]?.step;
}

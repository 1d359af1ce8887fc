import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../harness/core/project.ts";

export interface Finished {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command line as users do: the build, in a process of its own, with nothing inherited that names a database. */
export async function harness(args: string[], options: Options = {}): Promise<Finished> {
  return startHarness(args, options).finished;
}

interface Options {
  env?: Record<string, string>;
  cwd?: string;
}

/** The same, for who has something to do with it while it runs. */
export function startHarness(
  args: string[],
  options: Options = {},
): { child: ChildProcess; finished: Promise<Finished> } {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(DATABASE_URL|NEON_API_KEY|FORCE_COLOR|PG[A-Z]+)$/.test(name),
    ),
  );
  const child = spawn(process.execPath, [join(packageRoot, "dist", "cli.js"), ...args], {
    cwd: options.cwd ?? packageRoot,
    env: { ...inherited, NO_COLOR: "1", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const finished = new Promise<Finished>((resolve) =>
    child.on("close", (status) => resolve({ status, stdout, stderr })),
  );
  return { child, finished };
}

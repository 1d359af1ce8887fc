import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const here = import.meta.dirname;

/** Another process that uses the branch. */
export interface Holder {
  process: ChildProcess;
  url: string;
  /** Ends it in order, as a command does that is done. */
  finish(): Promise<void>;
  /** Ends it by a signal. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

export async function startHolder(branch: string): Promise<Holder> {
  const child = spawn(
    process.execPath,
    ["--import", join(here, "typescript.mjs"), join(here, "holder.ts"), branch],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const ended = once(child, "exit");
  const url = await Promise.race([
    once(createInterface(child.stdout), "line").then(([line]) => String(line)),
    ended.then(([code]) => Promise.reject(new Error(`the holder ended with ${code}`))),
  ]);
  return {
    process: child,
    url,
    finish: async () => {
      child.stdin.end();
      await ended;
    },
    kill: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

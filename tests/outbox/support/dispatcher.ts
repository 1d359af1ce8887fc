import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../../harness/core/project.ts";

export interface Delivery {
  tenant: string;
  id: string;
  attempt: number;
}

export interface RunningDispatcher {
  process: ChildProcess;
  /** What its handler has finished, read from the file that it writes: it outlives a kill -9. */
  deliveries(): Delivery[];
  /** By names of figures without the prefix and labels. */
  metrics(): Promise<Record<string, number>>;
  stderr(): string;
  /** The exit code, or the signal. */
  ended: Promise<number | string | null>;
}

/**
 * What the test handler does is said by the payload: `gate` is a file to wait for, `ms` to wait, `fail` to throw, `reject` to throw for good, `kill` to end the
 * process, `hang` to never return, `run` is the body of an async function. What it has finished goes to the file in DELIVERIES.
 */
const handler = `
import { appendFileSync, existsSync } from "node:fs";
export async function handle(event, { signal }) {
  const { gate, ms = 0, fail, reject, kill, hang, run } = event.payload;
  if (kill) process.kill(process.pid, "SIGKILL");
  if (hang) await new Promise(() => {});
  if (run) await new (async () => {}).constructor("event", "signal", run)(event, signal);
  while (gate && !existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 20));
  if (ms) await new Promise((resolve) => setTimeout(resolve, ms));
  if (fail) throw Object.assign(new Error("no answer"), { retryAfterMs: 0 });
  if (reject) throw Object.assign(new Error("no such guest"), { retry: false });
  appendFileSync(process.env.DELIVERIES, JSON.stringify({ tenant: event.tenant, id: event.id, attempt: event.attempt }) + "\\n");
}
`;

let count = 0;

/** The dispatcher as users run it, in a process of its own. */
export async function startDispatcher(
  folder: string,
  url: string,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<RunningDispatcher> {
  const file = join(folder, "handler.mjs");
  if (!existsSync(file)) writeFileSync(file, handler);
  const deliveriesFile = join(folder, `deliveries-${count++}`);
  const child = spawn(
    process.execPath,
    [
      join(packageRoot, "dist", "cli.js"),
      ...["outbox", "dispatch", "--database-url", url, "--handler", file, "--metrics-port", "0"],
      ...args,
    ],
    {
      cwd: folder,
      env: { ...process.env, NO_COLOR: "1", DELIVERIES: deliveriesFile, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let stderr = "";
  const ended = new Promise<number | string | null>((resolve) =>
    child.on("close", (code, signal) => resolve(signal ?? code)),
  );
  const metricsUrl = await new Promise<string>((resolve, reject) => {
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
      const address = /Metrics on (\S+)\n[\s\S]*Dispatching/.exec(stderr)?.[1];
      if (address) resolve(address);
    });
    void ended.then((code) => reject(new Error(`the dispatcher ended with ${code}: ${stderr}`)));
  });
  return {
    process: child,
    deliveries: () =>
      existsSync(deliveriesFile)
        ? readFileSync(deliveriesFile, "utf8")
            .split("\n")
            .filter(Boolean)
            .map((line) => JSON.parse(line))
        : [],
    async metrics() {
      const text = await (await fetch(metricsUrl)).text();
      const figures: Record<string, number> = {};
      for (const [, name = "", figure = 0] of text.matchAll(
        /^harness_outbox_([a-z_]+)(?:\{[^}]*\})? (\S+)$/gm,
      ))
        figures[name] = (figures[name] ?? 0) + Number(figure);
      return figures;
    },
    stderr: () => stderr,
    ended,
  };
}

export async function stopDispatcher(dispatcher: RunningDispatcher): Promise<number | string | null> {
  dispatcher.process.kill("SIGTERM");
  return dispatcher.ended;
}

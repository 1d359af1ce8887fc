import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { HarnessError } from "../core/errors.ts";
import { redact } from "../core/redaction.ts";

export interface GraphileRun {
  root: string;
  /** Connection strings and the like: in the environment, since arguments are visible to everybody. */
  env: Record<string, string>;
  onLine?: (line: string) => void;
}

/**
 * Runs graphile-migrate as a child process, never as a library: there it would end our process when a
 * connection drops.
 * @throws HarnessError `migration-failed` with what graphile-migrate said
 */
export async function graphileMigrate(args: string[], { root, env, onLine }: GraphileRun): Promise<void> {
  const require = createRequire(import.meta.url);
  const program = join(require.resolve("graphile-migrate/package.json"), "..", "dist", "cli.js");
  const child = spawn(process.execPath, [program, ...args, "--config", join(root, ".gmrc")], {
    cwd: root,
    env: { ...process.env, ...env, FORCE_COLOR: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const listen = (chunk: Buffer) => {
    for (const line of redact(stripVTControlCharacters(chunk.toString())).split("\n").filter(Boolean)) {
      lines.push(line);
      onLine?.(line);
    }
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (status !== 0) throw explain(args, lines);
}

function explain(args: string[], lines: string[]): HarnessError {
  const said = lines.join("\n");
  if (said.includes("Failed to get exclusive lock")) {
    return new HarnessError({
      code: "migration-locked",
      message: "another run of graphile-migrate holds its lock on this database",
      hint: "Wait for it; after a crash the server lets go of it within seconds.",
    });
  }
  // `commit` prints a report, `migrate` the error object
  const field = (name: string) =>
    new RegExp(`^\\s*${name}:\\s+'?(.*?)'?,?$`, "im").exec(said.replaceAll(/: undefined,?$/gm, ""))?.[1];
  const line = /Error occurred at line (\d+)/.exec(said)?.[1];
  const file = [...said.matchAll(/Running migration '([^']+)'/g)].at(-1)?.[1];
  const where = file ? `migration ${file}${line ? `, line ${line}` : ""}` : `graphile-migrate ${args[0]}`;
  const reason = /^\s*error: (.*)$/im.exec(said)?.[1] ?? lines.at(-1) ?? "it said nothing";
  const code = field("code")?.slice(0, 5);
  const hint = field("hint");
  return new HarnessError({
    code: "migration-failed",
    message: `${where}: ${reason}${code ? ` (${code})` : ""}`,
    hint: `${hint ? `${hint} ` : ""}It was rolled back; correct it and run this again. --debug shows all that graphile-migrate said.`,
    cause: new Error(said),
  });
}

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { HarnessError } from "../../core/errors.ts";
import { packageRoot } from "../../core/project.ts";
import type { Comparison, Scenario } from "../scenario.ts";

const cli = join(packageRoot, "dist", "cli.js");

const scenario: Scenario = {
  title: "how long the command line takes to begin",
  description: "A whole process, from its start to its end, against Node.js doing nothing.",
  database: false,

  async setup() {
    if (existsSync(cli)) return;
    throw new HarnessError({
      code: "not-built",
      message: `there is no ${cli}`,
      hint: "Build the command line first: npm run build.",
    });
  },

  comparisons: {
    help: againstNode("harness --help", "--help"),
    version: againstNode("harness --version", "--version"),
  },
};
export default scenario;

function againstNode(label: string, argument: string): Comparison {
  return {
    title: label,
    baseline: { label: "node -e 0", run: () => runNode(["-e", "0"]) },
    candidate: { label, run: () => runNode([cli, argument]) },
  };
}

async function runNode(args: string[]): Promise<void> {
  // Without what a test runner or a debugger has put into the environment for its own processes.
  const { NODE_OPTIONS: _, ...env } = process.env;
  const status = await ended(spawn(process.execPath, args, { stdio: "ignore", env }));
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}`);
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
}

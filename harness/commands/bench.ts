import { choose, loadScenarios } from "../bench/load-scenarios.ts";
import { describeMachine, describeServer } from "../bench/machine.ts";
import { type BenchReport, toJson } from "../bench/report.ts";
import { runScenarios } from "../bench/run-scenarios.ts";
import { dropLeftovers, type Server } from "../bench/scratch.ts";
import { toTable } from "../bench/table.ts";
import { judge, parseThreshold } from "../bench/thresholds.ts";
import type { DatabaseOptions } from "../command-line/database-options.ts";
import { withClient } from "../command-line/session.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { packageRoot } from "../core/project.ts";
import { applyMigrations } from "../migrate/apply.ts";
import { applySetup } from "../setup/setup.ts";
import { inColor } from "../terminal/color.ts";
import { print } from "../terminal/output.ts";

export interface BenchOptions extends DatabaseOptions {
  max?: string[];
  rounds?: string;
  quick?: boolean;
}

/** Measures comparisons on a branch's server, in databases of its own. Exit code 4 if a threshold is missed. */
export async function bench(names: string[], options: BenchOptions): Promise<ExitCode> {
  const scenarios = await loadScenarios();
  const chosen = choose(scenarios, names);
  const thresholds = (options.max ?? []).map((text) => parseThreshold(text, scenarios, chosen));
  const effort = { rounds: roundsOf(options.rounds), quick: options.quick ?? false };
  const startedAt = new Date();
  const play = async (server: Server | null) => ({
    server: server && (await describeServer(server.admin)),
    comparisons: await runScenarios(scenarios, chosen, effort, server),
  });
  const needsServer = chosen.some(({ scenario }) => scenarios.get(scenario)?.database);
  const played = needsServer ? await onServer(options, play) : await play(null);
  const verdicts = thresholds.map((threshold) => judge(threshold, played.comparisons));
  const exitCode = verdicts.every(({ met }) => met) ? exitCodes.clean : exitCodes.threshold;
  const report: BenchReport = {
    schemaVersion: 1,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    quick: effort.quick,
    machine: describeMachine(),
    ...played,
    thresholds: verdicts,
    exitCode,
  };
  print(options.json ? toJson(report) : toTable(report, scenarios, inColor));
  return exitCode;
}

async function onServer<T>(options: DatabaseOptions, work: (server: Server) => Promise<T>): Promise<T> {
  return withClient(options, "writes", "bench", async ({ client, target }) => {
    await dropLeftovers(client);
    return work({
      url: target.url,
      admin: client,
      async build(scratch, url) {
        await applySetup(scratch);
        await applyMigrations(scratch, { root: packageRoot, url });
      },
    });
  });
}

function roundsOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= 100_000) return rounds;
  throw new HarnessError({
    code: "bad-rounds",
    message: `--rounds ${text} is not a whole number from 1 to 100000`,
    hint: "Leave it out to measure each comparison for a few seconds.",
  });
}

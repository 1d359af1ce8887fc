import { onInterrupt } from "../core/cleanup.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { choose, loadScenarios } from "./load-scenarios.ts";
import { describeMachine, describeServer } from "./machine.ts";
import type { BenchReport } from "./report.ts";
import { runScenarios } from "./run-scenarios.ts";
import type { Scenario } from "./scenario.ts";
import type { Server } from "./scratch.ts";
import { judge, parseThreshold } from "./thresholds.ts";

/**
 * Measures what is chosen, and judges it by thresholds, which are refused before anything is measured.
 * @param onServer is called if a scenario wants a server
 */
export async function bench(
  names: string[],
  max: readonly string[],
  effort: { rounds: number | null; quick: boolean },
  onServer: <T>(work: (server: Server) => Promise<T>) => Promise<T>,
): Promise<{ report: BenchReport & { exitCode: ExitCode }; scenarios: ReadonlyMap<string, Scenario> }> {
  const scenarios = await loadScenarios();
  const chosen = choose(scenarios, names);
  const thresholds = max.map((text) => parseThreshold(text, scenarios, chosen));
  const startedAt = new Date();
  const play = async (server: Server | null) => ({
    server: server && (await describeServer(server.admin)),
    comparisons: await runScenarios(scenarios, chosen, effort, server),
  });
  const withdraw = onInterrupt(
    () =>
      "a comparison that is not complete measures nothing, so none is printed. The databases made for it are dropped.",
  );
  const needsServer = chosen.some(({ scenario }) => scenarios.get(scenario)?.database);
  const played = needsServer ? await onServer(play) : await play(null);
  withdraw();
  const verdicts = thresholds.map((threshold) => judge(threshold, played.comparisons));
  const report = {
    schemaVersion: 1 as const,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    quick: effort.quick,
    machine: describeMachine(),
    ...played,
    thresholds: verdicts,
    exitCode: verdicts.every(({ met }) => met) ? exitCodes.clean : exitCodes.threshold,
  };
  return { report, scenarios };
}

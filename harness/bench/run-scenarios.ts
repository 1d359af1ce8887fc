import { groupBy } from "../core/group.ts";
import { progress } from "../terminal/progress.ts";
import { type Chosen, nameOf } from "./load-scenarios.ts";
import { type Effort, measure } from "./measure.ts";
import type { Measured, MeasuredSide } from "./report.ts";
import type { Scenario, Stage } from "./scenario.ts";
import { createScratch, type Scratch, type Server } from "./scratch.ts";
import { distributionOf, ratioOf } from "./statistics.ts";

/** Measures the chosen comparisons, one after the other. `server` may be null if no scenario needs one. */
export async function runScenarios(
  scenarios: ReadonlyMap<string, Scenario>,
  chosen: readonly Chosen[],
  effort: Effort,
  server: Server | null,
): Promise<Measured[]> {
  const measured: Measured[] = [];
  let template: Scratch | undefined;
  const createDatabase = async () => {
    if (!server) throw new Error("a scenario that says that it needs no database asks for one");
    template ??= await createScratch(server);
    return createScratch(server, template.client);
  };
  try {
    for (const [name, ofScenario] of groupBy(chosen, ({ scenario }) => scenario)) {
      const scenario = scenarios.get(name);
      if (scenario) measured.push(...(await runScenario(scenario, ofScenario, effort, createDatabase)));
    }
  } finally {
    await template?.drop().catch(() => undefined);
  }
  return measured;
}

async function runScenario(
  scenario: Scenario,
  chosen: readonly Chosen[],
  effort: Effort,
  create: () => Promise<Scratch>,
): Promise<Measured[]> {
  const scratches: Scratch[] = [];
  const stage: Stage = {
    quick: effort.quick,
    async createDatabase() {
      const scratch = await create();
      scratches.push(scratch);
      return scratch;
    },
  };
  const measured: Measured[] = [];
  try {
    const state = await during(`setting up ${chosen[0]?.scenario}`, () => scenario.setup(stage));
    try {
      for (const one of chosen) measured.push(await runComparison(scenario, state, one, effort));
    } finally {
      await scenario.teardown?.(state);
    }
  } finally {
    // What cannot be dropped any more is a leftover for the next run, and no reason to hide what went wrong before.
    for (const scratch of scratches) await scratch.drop().catch(() => undefined);
  }
  return measured;
}

async function runComparison(
  scenario: Scenario,
  state: unknown,
  chosen: Chosen,
  effort: Effort,
): Promise<Measured> {
  const comparison = scenario.comparisons[chosen.comparison];
  if (!comparison) throw new Error(`${nameOf(chosen)} has vanished`);
  const { title, unit = "ms", baseline, candidate } = comparison;
  await during(`preparing ${nameOf(chosen)}`, async () => comparison.prepare?.(state));
  const samples = await during(`measuring ${nameOf(chosen)}`, () => measure(comparison, state, effort));
  return {
    ...chosen,
    title,
    unit,
    rounds: samples.baseline.length,
    baseline: side(baseline.label, samples.baseline),
    candidate: side(candidate.label, samples.candidate),
    ratio: ratioOf(samples.baseline, samples.candidate),
    notes: comparison.notes?.(state) ?? {},
  };
}

function side(label: string, samples: number[]): MeasuredSide {
  return { label, ...distributionOf(samples), samples };
}

async function during<T>(what: string, work: () => Promise<T>): Promise<T> {
  const stop = progress(what);
  try {
    return await work();
  } finally {
    stop();
  }
}

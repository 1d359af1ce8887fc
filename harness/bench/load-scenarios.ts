import { readdirSync } from "node:fs";
import { parse } from "node:path";
import { HarnessError } from "../core/errors.ts";
import type { Scenario } from "./scenario.ts";

const folder = new URL("./scenarios/", import.meta.url);

/** Every file of scenarios/, by its name, also in the compiled package. */
export async function loadScenarios(): Promise<Map<string, Scenario>> {
  const files = readdirSync(folder).filter((file) => /(?<!\.d)\.[jt]s$/.test(file));
  const scenarios = new Map<string, Scenario>();
  for (const file of files.sort()) {
    scenarios.set(parse(file).name, (await import(new URL(file, folder).href)).default);
  }
  return scenarios;
}

/** One comparison to measure. */
export interface Chosen {
  scenario: string;
  comparison: string;
}

/**
 * The comparisons that the names stand for: `rls` for all of a scenario, `rls/count` for one; without names all there are. Long ones have to be
 * named themselves, and of peers those are measured that are installed.
 * @throws HarnessError `unknown-scenario`, `unknown-comparison`, `peer-not-installed`
 */
export function choose(scenarios: ReadonlyMap<string, Scenario>, names: readonly string[]): Chosen[] {
  const wanted = names.length > 0 ? names : [...scenarios.keys()];
  const chosen = new Map(wanted.flatMap((name) => expand(scenarios, name)).map((one) => [nameOf(one), one]));
  // In the order of the scenarios, each of which is set up once.
  return [...scenarios].flatMap(([scenario, { comparisons }]) =>
    Object.keys(comparisons).flatMap((comparison) => chosen.get(nameOf({ scenario, comparison })) ?? []),
  );
}

export function nameOf({ scenario, comparison }: Chosen): string {
  return `${scenario}/${comparison}`;
}

function expand(scenarios: ReadonlyMap<string, Scenario>, name: string): Chosen[] {
  const [scenario = "", comparison] = splitOnce(name);
  const known = scenarios.get(scenario)?.comparisons ?? {};
  const comparisons = Object.keys(known);
  if (comparisons.length === 0) {
    throw new HarnessError({
      code: "unknown-scenario",
      message: `there is no scenario "${scenario}"`,
      hint: `Choose from ${[...scenarios.keys()].join(", ")}.`,
    });
  }
  if (comparison !== undefined && !comparisons.includes(comparison)) {
    throw new HarnessError({
      code: "unknown-comparison",
      message: `the scenario ${scenario} does not compare "${comparison}"`,
      hint: `Choose from ${comparisons.map((one) => `${scenario}/${one}`).join(", ")}.`,
    });
  }
  const needs = comparison === undefined ? undefined : known[comparison]?.needs;
  if (needs && !isInstalled(needs)) {
    throw new HarnessError({
      code: "peer-not-installed",
      message: `${name} compares with ${needs}, which is not installed`,
      hint: `npm install --no-save ${needs}`,
    });
  }
  return comparisons
    .filter((one) =>
      comparison === undefined ? !known[one]?.long && isInstalled(known[one]?.needs) : comparison === one,
    )
    .map((one) => ({ scenario, comparison: one }));
}

function isInstalled(name: string | undefined): boolean {
  try {
    if (name) import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}

function splitOnce(name: string): [string, string?] {
  const at = name.indexOf("/");
  return at < 0 ? [name] : [name.slice(0, at), name.slice(at + 1)];
}

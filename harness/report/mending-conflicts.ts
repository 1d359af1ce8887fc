import type { Result } from "../core/results.ts";
import { type Act, type Step, stepsOf } from "./mending-steps.ts";

/** SQL that mends findings, and the findings that it mends. */
export interface Mending {
  sql: string;
  findings: Result[];
}

/**
 * The same mendings without the statements that would fail beside others. Each finding's SQL is made for the database as it was found, and
 * several speak of the same thing: what is dropped needs no other change, and what is made is not made again.
 */
export async function agreeing(mendings: readonly Mending[]): Promise<Mending[]> {
  const steps = (await Promise.all(mendings.map(({ sql }, at) => stepsOf(sql, at)))).flat();
  const goes = goesFor(steps);
  const needless = new Set(steps.filter((step, at) => isNeedless(step, at, steps, goes)));
  return mendings.map((mending, at) => {
    const own = steps.filter((step) => step.mending === at);
    if (!own.some((step) => needless.has(step))) return mending;
    const left = own.filter((step) => !needless.has(step)).map(({ text }) => `${text}\n;`);
    return { ...mending, sql: left.join("\n") };
  });
}

/** What is gone in the end: dropped, and not made anew by the same mending. */
function goesFor(steps: readonly Step[]): Map<string, Step> {
  const goes = new Map<string, Step>();
  for (const [at, step] of steps.entries()) {
    for (const { does, thing } of step.acts) {
      if (does !== "drop" || goes.has(thing)) continue;
      const later = steps.slice(at + 1).filter(({ mending }) => mending === step.mending);
      if (!later.some(makes(thing))) goes.set(thing, step);
    }
  }
  return goes;
}

const makes =
  (thing: string) =>
  ({ acts }: Step): boolean =>
    acts.some((act) => act.does === "create" && act.thing === thing);

function isNeedless(step: Step, at: number, steps: readonly Step[], goes: Map<string, Step>): boolean {
  const before = steps.slice(0, at);
  if (step.once && before.some(({ text }) => text === step.text)) return true;
  const ofWhatGoes = (act: Act) => {
    const drop = goes.get(act.thing);
    return drop !== undefined && drop !== step && act.does !== "create";
  };
  // one of several objects that it names may stay
  if (
    step.acts.length > 0 &&
    step.acts.some(ofWhatGoes) &&
    (step.acts.length < 3 || step.acts.every(ofWhatGoes))
  )
    return true;
  return step.acts.some(({ does, thing }) => does === "create" && madeBefore(thing, step, before));
}

/** Made by another mending, and not dropped by this one first. */
function madeBefore(thing: string, { mending }: Step, before: readonly Step[]): boolean {
  const dropped = before.some(
    (other) =>
      other.mending === mending && other.acts.some((act) => act.does === "drop" && act.thing === thing),
  );
  return !dropped && before.some(makes(thing));
}

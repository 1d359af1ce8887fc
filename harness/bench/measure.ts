import type { Comparison, Side } from "./scenario.ts";

export interface Effort {
  /** Exactly so many rounds; null: as many as are sensible in a few seconds. */
  rounds: number | null;
  quick: boolean;
}

/** Figures of one side each, by round. */
export interface Samples {
  baseline: number[];
  candidate: number[];
}

/** Fewer than 6 rounds have no confidence interval. */
const leastRounds = 7;
const mostRounds = 1_000;
const quickRounds = 3;
const budgetMs = 5_000;
const warmUpMs = 500;
const mostWarmUps = 50;

/**
 * Baseline and candidate in turn, each first in every other round, so that neither gains from coming second: caches that
 * the other has filled, a processor that has just sped up or become hot.
 */
export async function measure<State>(
  comparison: Comparison<State>,
  state: State,
  effort: Effort,
): Promise<Samples> {
  const samples: Samples = { baseline: [], candidate: [] };
  const timed = comparison.unit === undefined;
  const play = async (round: number, keep: boolean) => {
    for (const name of round % 2 === 0 ? sides : sides.toReversed()) {
      const figure = await once(comparison[name], state, round, timed);
      if (keep) samples[name].push(figure);
    }
  };
  let round = 0;
  const warmedUp = until(1, effort.quick ? 1 : mostWarmUps, warmUpMs);
  for (let done = 0; !warmedUp(done); done++) await play(round++, false);
  const finished = enough(effort);
  for (let done = 0; !finished(done); done++) await play(round++, true);
  return samples;
}

const sides = ["baseline", "candidate"] as const;

async function once<State>(side: Side<State>, state: State, round: number, timed: boolean): Promise<number> {
  await side.before?.(state, round);
  try {
    const started = performance.now();
    const answer = await side.run(state, round);
    const elapsed = performance.now() - started;
    if (timed) return elapsed;
    if (typeof answer === "number") return answer;
    throw new TypeError(`"${side.label}" answers with no number, though its comparison has a unit`);
  } finally {
    await side.after?.(state, round);
  }
}

function enough({ rounds, quick }: Effort): (done: number) => boolean {
  if (rounds !== null) return (done) => done >= rounds;
  if (quick) return (done) => done >= quickRounds;
  return until(leastRounds, mostRounds, budgetMs);
}

/** At least so many, at most so many, and between them until the time is up. */
function until(least: number, most: number, timeMs: number): (done: number) => boolean {
  const started = performance.now();
  return (done) => done >= most || (done >= least && performance.now() - started >= timeMs);
}

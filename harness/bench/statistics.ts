/** What is reported of one side's samples, all in the comparison's unit. */
export interface Distribution {
  median: number;
  /** Median absolute deviation from the median: a spread that a few outliers do not move. */
  mad: number;
  p95: number;
  p99: number;
  min: number;
  max: number;
}

export interface Ratio {
  /** Median of the rounds' own ratios, candidate to baseline. */
  median: number;
  /** Limits between which the true median lies; null with too few rounds to say. */
  low: number | null;
  high: number | null;
  confidence: number;
}

const confidence = 0.95;

export function distributionOf(samples: readonly number[]): Distribution {
  const sorted = ascending(samples);
  const median = quantile(sorted, 0.5);
  return {
    median,
    mad: quantile(ascending(samples.map((sample) => Math.abs(sample - median))), 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    min: quantile(sorted, 0),
    max: quantile(sorted, 1),
  };
}

/**
 * The two sides of a round ran right after each other, so that what slows the machine down for a while slows both:
 * their ratio is taken round by round. The interval is that of the sign test, which asks nothing of the distribution.
 */
export function ratioOf(baseline: readonly number[], candidate: readonly number[]): Ratio {
  const ratios = ascending(candidate.map((sample, round) => sample / (baseline[round] ?? Number.NaN)));
  const rank = intervalRank(ratios.length, confidence);
  return {
    median: quantile(ratios, 0.5),
    low: rank === null ? null : (ratios[rank] ?? null),
    high: rank === null ? null : (ratios[ratios.length - 1 - rank] ?? null),
    confidence,
  };
}

/**
 * The largest index k for which the median of a population lies between the k-th smallest and the k-th largest of
 * `n` samples with at least this confidence, counted from 0; null if n is too small for any.
 */
export function intervalRank(n: number, wanted: number): number | null {
  let rank: number | null = null;
  let below = 0;
  // Terms of the binomial distribution as logarithms: 0.5^n is 0 beyond n = 1074.
  for (let k = 0, logTerm = -n * Math.LN2; k < n / 2; k++) {
    below += Math.exp(logTerm);
    if (2 * below > 1 - wanted) break;
    rank = k;
    logTerm += Math.log((n - k) / (k + 1));
  }
  return rank;
}

/** Linear between neighbours. */
export function quantile(sorted: readonly number[], q: number): number {
  const position = (sorted.length - 1) * q;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

function ascending(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b);
}

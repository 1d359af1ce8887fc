import type { Client } from "pg";

/** Where the engine's time goes, seen from the outside: by what its statements are, on all its connections. */
export class Clock {
  #spent = new Map<string, number>();
  #part: string | null = null;

  /** Times the statements of a connection from now on. */
  watch(client: Client): void {
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    const timed = async (...args: unknown[]) => {
      const part = this.#part ?? partOf(args[0]);
      const started = performance.now();
      try {
        return await query(...args);
      } finally {
        if (part) this.#spent.set(part, (this.#spent.get(part) ?? 0) + performance.now() - started);
      }
    };
    Object.assign(client, { query: timed });
  }

  /** Counts whatever is asked during the work as this part. */
  async time<T>(part: string, work: () => Promise<T>): Promise<T> {
    this.#part = part;
    return work().finally(() => {
      this.#part = null;
    });
  }

  reset(): void {
    this.#spent.clear();
  }

  /** The shares of the whole, the largest first; of checks that take less than half a percent each, the sum. */
  notes(): Record<string, string> {
    const whole = [...this.#spent.values()].reduce((sum, ms) => sum + ms, 0);
    const shares = [...this.#spent].map(([part, ms]) => ({ part, share: (100 * ms) / whole }));
    const large = shares.filter(({ share }) => share >= 0.5).sort((a, b) => b.share - a.share);
    const small = shares.filter(({ share }) => share < 0.5);
    const rest = small.reduce((sum, { share }) => sum + share, 0);
    return {
      "share of the engine's time": [...large, { part: `${small.length} others`, share: rest }]
        .map(({ part, share }) => `${part} ${share.toFixed(share < 10 ? 1 : 0)} %`)
        .join(", "),
    };
  }
}

/** Of the engine's statements; null for those of others. */
function partOf(text: unknown): string | null {
  if (typeof text !== "string" || /bare\./.test(text)) return null;
  if (/harness_check/.test(text)) return /^-- code: (\S+)$/m.exec(text)?.[1] ?? "checks";
  if (/do \$pass\$/.test(text)) return "probes";
  return /set_config\('harness\.(\w+)', \(/.exec(text)?.[1] ?? "rest";
}

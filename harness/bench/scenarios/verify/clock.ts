import type { Client } from "pg";

/** Where the engine's time goes, seen from the outside: by what its statements are. */
export interface Clock {
  time<T>(part: string, work: () => Promise<T>): Promise<T>;
  reset(): void;
  notes(): Record<string, string>;
}

/** Times the statements of a connection from now on. */
export function watch(client: Client): Clock {
  const spent = new Map<string, number>();
  let current: string | null = null;
  const add = (part: string, started: number) =>
    spent.set(part, (spent.get(part) ?? 0) + performance.now() - started);

  const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
  const timed = async (...args: unknown[]) => {
    const part = current === null ? partOf(args[0]) : null;
    const started = performance.now();
    try {
      return await query(...args);
    } finally {
      if (part) add(part, started);
    }
  };
  Object.assign(client, { query: timed });

  return {
    async time(part, work) {
      const started = performance.now();
      current = part;
      try {
        return await work();
      } finally {
        current = null;
        add(part, started);
      }
    },
    reset: () => spent.clear(),
    notes() {
      const whole = [...spent.values()].reduce((sum, ms) => sum + ms, 0);
      const shares = [...spent]
        .sort((a, b) => b[1] - a[1])
        .map(([part, ms]) => `${part} ${((100 * ms) / whole).toFixed(0)} %`);
      return { "time in the engine": shares.join(", ") };
    },
  };
}

/** Of the engine's statements; null for those of others. */
function partOf(text: unknown): string | null {
  if (typeof text !== "string" || /bare\./.test(text)) return null;
  if (/harness_check/.test(text)) return "checks";
  if (/do \$pass\$/.test(text)) return "probes";
  return "rest";
}

import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import type { Client } from "pg";

/** Where the benchmark runs: figures of two machines are not comparable, ratios are. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  os: string;
  node: string;
}

export interface ServerFacts {
  version: string;
  /** Whether it runs on another machine, so that every figure contains the network. */
  remote: boolean;
  /** Median time of the smallest possible statement. */
  roundTripMs: number;
  settings: Record<string, string>;
}

/** Those that decide how fast anything is. */
const settings = [
  "shared_buffers",
  "effective_cache_size",
  "work_mem",
  "jit",
  "max_parallel_workers_per_gather",
  "random_page_cost",
  "plan_cache_mode",
  "fsync",
  "synchronous_commit",
  "full_page_writes",
  "max_locks_per_transaction",
];

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.replace(/\s+/g, " ").trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    os: `${type()} ${release()}`,
    node: process.versions.node,
  };
}

export async function describeServer(client: Client): Promise<ServerFacts> {
  const { rows } = await client.query<{ version: string; settings: Record<string, string> }>(
    `select version(), (select jsonb_object_agg(name, current_setting(name) order by name)
                          from pg_catalog.pg_settings where name = any ($1)) as settings`,
    [settings],
  );
  const { host } = client;
  return {
    version: rows[0]?.version ?? "",
    remote: !/^(\/|127\.|::1$|localhost$)/.test(host),
    roundTripMs: await roundTrip(client),
    settings: rows[0]?.settings ?? {},
  };
}

async function roundTrip(client: Client): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 21; i++) {
    const started = performance.now();
    await client.query("");
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[10] ?? 0;
}

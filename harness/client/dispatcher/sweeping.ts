import type { Client } from "pg";
import { asJob } from "../background-job.ts";
import type { Metrics } from "./metrics.ts";
import type { Queue } from "./queue.ts";
import { isRowError } from "./row-error.ts";

export interface SweepOptions {
  job: string;
  /** Also mark holds that expired. */
  expireHolds: boolean;
  log: (line: string) => void;
}

/** A transaction for each part: leases come back whatever becomes of the others. True if there is something to claim. */
export async function sweep(
  client: Client,
  queue: Queue,
  { job, expireHolds, log }: SweepOptions,
  metrics: Metrics,
): Promise<boolean> {
  const part = async <T>(name: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await asJob(client, job, work);
    } catch (error) {
      if (!isRowError(error)) throw error;
      metrics.count("sweep_failures_total", { part: name });
      log(`sweeping failed (${name}): ${error instanceof Error ? error.message : error}`);
      return null;
    }
  };
  const leases = await part("leases", () => queue.returnLeases());
  const late = await part("floor", () => queue.lowerFloor());
  const expired = expireHolds ? await part("holds", () => queue.expireHolds()) : 0;
  metrics.count("sweep_returned_total", {}, leases?.returned ?? 0);
  metrics.count("sweep_buried_total", {}, leases?.buried ?? 0);
  metrics.count("sweep_late_total", {}, late ? 1 : 0);
  metrics.count("holds_expired_total", {}, expired ?? 0);
  return late === true || (leases?.returned ?? 0) > 0;
}

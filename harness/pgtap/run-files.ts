import { availableParallelism } from "node:os";
import type { Client } from "pg";
import { type FileResult, runFile } from "./run-file.ts";

export interface RunOptions {
  /** Files at a time. */
  jobs?: number | undefined;
  /** A connection to a database for one file, and what becomes of both afterwards. */
  withDatabase<T>(work: (client: Client) => Promise<T>): Promise<T>;
  /** The database has rows of others: files that want a table to themselves are skipped where it holds anything. */
  shared?: boolean;
  onResult?: (result: FileResult) => void;
}

/** Runs pgTAP files side by side, each on the database that `withDatabase` gives it. */
export async function runFiles(
  files: string[],
  { jobs = availableParallelism(), withDatabase, shared = false, onResult }: RunOptions,
): Promise<FileResult[]> {
  const results: FileResult[] = [];
  const waiting = [...files];
  const worker = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const path = file;
      const result = await withDatabase((client) => runFile(client, path, shared));
      results.push(result);
      onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(jobs, files.length)) }, worker));
  return results;
}

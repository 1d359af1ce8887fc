import type { ClientBase } from "pg";
import { readSqlFile, readSqlFolder, type SqlFile } from "../sql/sql-file.ts";

/** Something that a branch lacks, and the statement that supplies it. */
export interface Missing {
  object: string;
  missing: string;
  /** Null where the step's file has an SQL file for it (`apply:`). */
  statement: string | null;
}

/**
 * One step of the set-up: a query that answers with what is missing. Empty means done, so that every step is idempotent,
 * and a step is proved to have worked by asking it again.
 */
export interface Step {
  name: string;
  title: string;
  /** The section of the per-branch runbook. */
  runbook: string;
  findMissing(client: ClientBase): Promise<Missing[]>;
  supply(client: ClientBase, missing: Missing): Promise<void>;
}

export function loadSteps(): Step[] {
  return readSqlFolder("harness/setup/steps").map(stepOf);
}

function stepOf({ name, header, text }: SqlFile): Step {
  return {
    name,
    title: header.title ?? name,
    runbook: header.runbook ?? "",
    findMissing: async (client) => (await client.query<Missing>(text)).rows,
    supply: async (client, { statement }) => {
      await client.query(statement ?? readSqlFile(header.apply ?? "").text);
    },
  };
}

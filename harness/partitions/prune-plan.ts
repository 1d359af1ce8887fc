import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import type { ExpiredPartition } from "./prune.ts";
import { inOrderOfForeignKeys } from "./prune-order.ts";
import type { Action } from "./settings.ts";
import { type PartitionedTable, partitionStatus } from "./status.ts";

export interface PruneRequest {
  /** schema.table; undefined: every table that is kept up and has a retention. */
  table?: string | undefined;
  /** An interval, instead of the table's retention. */
  olderThan?: string | undefined;
  /** Instead of what is kept up. */
  expired?: Action | undefined;
  archiveSchema?: string | undefined;
}

/** A partition that is to go, with what it holds as the planner estimates it. */
export interface Planned extends ExpiredPartition {
  rows: number;
  bytes: number;
}

/**
 * What has expired and what is to become of it: tables that refer to others first, and of each table the oldest partitions. Reads only, and needs none of policies/partitions/.
 * @throws HarnessError `which-table`, `no-retention`, `nothing-decided`, `bad-setting`
 */
export async function planPrune(client: Client, request: PruneRequest): Promise<Planned[]> {
  if (request.table === undefined && request.olderThan !== undefined) {
    throw new HarnessError({
      code: "which-table",
      message: "--older-than is for one table",
      hint: "Name it: what is old enough in one is not in another.",
    });
  }
  const { tables } = await partitionStatus(client, request);
  return inOrderOfForeignKeys(
    client,
    tables.flatMap((table) => planTable(table, request)),
  );
}

function planTable(
  table: PartitionedTable,
  { table: named, olderThan, expired, archiveSchema }: PruneRequest,
): Planned[] {
  const action = expired ?? table.expired;
  if (named !== undefined && olderThan === undefined && table.retention === null) {
    throw new HarnessError({
      code: "no-retention",
      message: `${table.table} keeps its rows for ever`,
      hint: "Say for how long: --older-than '12 months', or harness partitions ensure TABLE --retention '12 months'.",
    });
  }
  if (named !== undefined && action === null) {
    throw new HarnessError({
      code: "nothing-decided",
      message: `nobody has said what is to become of the partitions of ${table.table}`,
      hint: "Say it: --expired detach, archive or drop.",
    });
  }
  if (action === null || action === "keep" || !(table.managed || named !== undefined)) return [];
  return table.expiredPartitions.map(({ child, from, upto, rows, bytes }) => ({
    table: table.table,
    child,
    from,
    upto,
    rows,
    bytes,
    action,
    archiveSchema: action === "archive" ? (archiveSchema ?? table.archiveSchema ?? "archive") : null,
  }));
}

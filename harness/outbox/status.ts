import type { ClientBase } from "pg";
import { becomeJob } from "../client/background-job.ts";
import { readSqlFile } from "../sql/sql-file.ts";
import { inTransaction } from "../sql/transaction.ts";
import type { RegisteredQueue } from "./queues.ts";

/** Lengths in seconds, by the server's clock; null where there is nothing. */
export interface QueueStatus {
  queue: string;
  pending: number;
  due: number;
  /** With something pending. */
  tenants: number;
  oldestDueSeconds: number | null;
  backlog: { tenant: string; events: number; due: number; oldestDueSeconds: number | null }[];
  /** Pending events by the attempts that failed. */
  retries: { attempts: number; events: number }[];
  leased: number;
  workers: number;
  expiredLeases: number;
  dead: number;
  deadReasons: Record<string, number>;
  /** That have reported within the last minute. */
  dispatchers: number;
  /** Tenants whose handlers keep failing or do not return; seconds until the next is tried, 0: now. */
  leftAlone: { tenant: string; failures: number; seconds: number; dispatchers: number }[];
  floorAgeSeconds: number | null;
  /** Whose backlog is older than the floor. */
  tenantsBehind: number;
  sweptSecondsAgo: number | null;
  deadTuples: number | null;
  liveTuples: number | null;
  indexes: { name: string; state: "valid" | "invalid" | "missing"; bytes: number | null }[];
}

export interface OldestXmin {
  oldest: { holder: string; xids: number; seconds: number | null } | null;
  /** Sessions of others, of which this role may know nothing. */
  hidden: number;
}

/** Reads only, in a transaction of its own. */
export async function queueStatus(
  client: ClientBase,
  { name }: RegisteredQueue,
  tenants: number,
): Promise<QueueStatus> {
  const sql = readSqlFile("harness/outbox/status.sql")
    .text.replaceAll(":'queue'", client.escapeLiteral(name))
    .replaceAll(":queue", name)
    .replaceAll(":top", String(tenants));
  return inTransaction(
    client,
    "read only",
    async () => {
      const { rows } = await client.query(sql);
      return rows[0].status;
    },
    { first: becomeJob("outbox-status") },
  );
}

/** As the role that is connected: what it may see of other sessions. */
export async function oldestXmin(client: ClientBase): Promise<OldestXmin> {
  const { rows } = await client.query(readSqlFile("harness/outbox/oldest-xmin.sql").text);
  return rows[0].xmin;
}

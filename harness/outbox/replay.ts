import type { Client } from "pg";
import { asJob } from "../client/background-job.ts";
import { groupBy } from "../core/group.ts";

export interface Replayed {
  tenant: string;
  id: string;
  /** `replayed`, or why it was not. */
  outcome: string;
}

/** Which dead events. Null: whichever. */
export interface ReplayRequest {
  queue: string;
  tenant: string | null;
  id: string | null;
  limit: number;
  /** It runs in full and is rolled back: what it would do is what it did. */
  dryRun: boolean;
}

/** Lets dead events be tried again, the oldest first. */
export async function replay(
  client: Client,
  { queue, tenant, id, limit, dryRun }: ReplayRequest,
): Promise<Replayed[]> {
  const replayed: Replayed[] = [];
  const undo = new Error("dry run");
  const work = asJob(client, "outbox-replay", async () => {
    const { rows } = await client.query<Replayed>(
      `select replayed_tenant as tenant, replayed_id as id, outcome
         from outbox.replay($1::uuid, $2::bigint, $3::integer, $4::regclass)`,
      [tenant, id, limit, queue],
    );
    replayed.push(...rows);
    if (dryRun) throw undo;
  });
  await work.catch((error) => {
    if (error !== undo) throw error;
  });
  return replayed;
}

/** For people: how many of each tenant. */
export function describeReplayed(events: readonly Replayed[], dryRun: boolean): string {
  if (events.length === 0) return "Nothing is dead there\n";
  const lines = [...groupBy(events, ({ tenant }) => tenant)].map(([tenant, own]) => {
    const waiting = own.filter(({ outcome }) => outcome !== "replayed").length;
    return `  ${tenant}  ${own.length - waiting}${waiting > 0 ? `, and ${waiting} that wait already` : ""}\n`;
  });
  const count = events.filter(({ outcome }) => outcome === "replayed").length;
  return `${lines.join("")}${dryRun ? `Dry run: would replay ${count}` : `Replayed: ${count}`}\n`;
}

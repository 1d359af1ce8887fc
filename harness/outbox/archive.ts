import type { Client } from "pg";
import { asJob } from "../client/background-job.ts";
import { patiently } from "../sql/patience.ts";
import { isConnectionLost } from "../targets/session/connection-lost.ts";
import { count } from "../terminal/numbers.ts";

const batch = 1_000;

/**
 * Moves the finished events of every queue that has an archive there, a batch in a transaction, until none is old enough.
 * @returns how many of each queue that had any; none where there is no outbox, or no archive
 */
export async function archiveFinished(client: Client): Promise<{ queue: string; events: number }[]> {
  const { rows: found } = await client.query<{ there: boolean }>(
    "select to_regprocedure('outbox.archive(regclass, interval, integer)') is not null as there",
  );
  if (!found[0]?.there) return [];
  // as JSON, since queues of before have no such column
  const { rows: queues } = await client.query<{ queue: string }>(
    `select format('%I.%I', n.nspname, c.relname) as queue
       from outbox.queues as q
       join pg_catalog.pg_class as c on c.oid = q.queue
       join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
      where to_jsonb(q) ->> 'archive' is not null
      order by 1`,
  );
  const archived = [];
  for (const { queue } of queues) {
    const events = await archiveOf(client, queue);
    if (events > 0) archived.push({ queue, events });
  }
  return archived;
}

async function archiveOf(client: Client, queue: string): Promise<number> {
  for (let archived = 0; ; ) {
    const { rows } = await patiently(() =>
      asJob(client, "outbox-archive", () =>
        client.query<{ events: string }>(
          "select outbox.archive(queue => $1::regclass, max_events => $2) as events",
          [queue, batch],
        ),
      ),
    );
    const events = Number(rows[0]?.events ?? 0);
    archived += events;
    if (events < batch) return archived;
  }
}

export interface Archived {
  queues: { queue: string; events: number }[];
  /** Why not all of it was done. */
  failed: string | null;
}

/** What the archive cannot take must not hide what was done before. @param reasonOf an error, in one line */
export async function tryArchive(client: Client, reasonOf: (error: unknown) => string): Promise<Archived> {
  try {
    return { queues: await archiveFinished(client), failed: null };
  } catch (error) {
    if (isConnectionLost(error)) throw error;
    return { queues: [], failed: reasonOf(error) };
  }
}

export const describeArchived = ({ queues, failed }: Archived): string =>
  [
    ...queues.map(({ queue, events }) => `${queue}: archived ${count(events)} events\n`),
    ...(failed === null ? [] : [`outbox: archiving failed, ${failed}\n`]),
  ].join("");

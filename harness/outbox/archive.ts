import type { Client } from "pg";
import { patiently } from "../database/patience.ts";
import { asJob } from "./queue.ts";

const batch = 1_000;

/**
 * Moves finished events to the archive, a batch in a transaction, until none is old enough.
 * @returns how many; null if this database has no outbox.archive()
 */
export async function archiveFinished(client: Client): Promise<number | null> {
  const { rows: found } = await client.query<{ there: boolean }>(
    "select to_regprocedure('outbox.archive(regclass, interval, integer)') is not null as there",
  );
  if (!found[0]?.there) return null;
  let archived = 0;
  for (;;) {
    const { rows } = await patiently(() =>
      asJob(client, "outbox-archive", () =>
        client.query<{ events: string }>("select outbox.archive(max_events => $1) as events", [batch]),
      ),
    );
    const events = Number(rows[0]?.events ?? 0);
    archived += events;
    if (events < batch) return archived;
  }
}

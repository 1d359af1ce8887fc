import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { sessionText } from "../sql/session-text.ts";

/** The session that another one waits for. */
export interface Holder {
  pid: number;
  /** `session 4711 (nightly report) of role app, idle in transaction for 12 s`, as far as our role may know. */
  who: string;
}

const pollMs = 100;

/** Looks, until stopped, for whom the sessions of this application_name wait. The client is free again once stopping has resolved. */
export function watchHolder(
  client: Client,
  session: string,
  found: (holder: Holder) => void,
): () => Promise<void> {
  let watching = true;
  const watch = async () => {
    while (watching) {
      await sleep(pollMs / 2);
      const holder = watching ? await holderOf(client, session).catch(() => null) : null;
      if (holder) found(holder);
      if (watching) await sleep(pollMs / 2);
    }
  };
  const watched = watch();
  return () => {
    watching = false;
    return watched;
  };
}

async function holderOf(client: Client, session: string): Promise<Holder | null> {
  const { rows } = await client.query<Holder>(
    `select b.pid, ${sessionText("b")} as who
       from pg_catalog.pg_stat_activity as w
      cross join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) as blocking (pid)
       join pg_catalog.pg_stat_activity as b on b.pid = blocking.pid
      where w.application_name = $1 and w.wait_event_type = 'Lock'
      order by b.xact_start, b.pid
      limit 1`,
    [session],
  );
  return rows[0] ?? null;
}

/** Ends the sessions of this application_name, and waits until their transactions are rolled back. */
export async function endSessions(client: Client, session: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(pollMs / 5)) {
    const { rows } = await client
      .query(
        "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where application_name = $1",
        [session],
      )
      .catch(() => ({ rows: [] })); // the server or our connection is gone: then there is nothing to end from here
    if (rows.length === 0) return;
  }
}

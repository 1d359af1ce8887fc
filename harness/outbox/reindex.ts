import type { Client } from "pg";
import pg from "pg";
import { HarnessError } from "../core/errors.ts";
import type { RegisteredQueue } from "./queues.ts";

export type Rebuilt = "rebuilt" | "built" | "mended";

/**
 * Builds the indexes of a queue anew, one after the other, while it is in use. An index that is missing is built, one that an
 * interrupted run left invalid is built from scratch.
 * @param lockTimeoutMs how long to wait for other transactions, each time
 * @throws HarnessError `outbox-reindex-blocked`, `outbox-duplicates`
 */
export async function* reindexQueue(
  client: Client,
  queue: RegisteredQueue,
  lockTimeoutMs: number,
): AsyncGenerator<{ index: string; done: Rebuilt }> {
  const schema = queue.name.slice(0, queue.name.lastIndexOf("."));
  const qualified = (index: string) => `${schema}.${pg.escapeIdentifier(index)}`;
  // For the session, since no transaction may be around these statements; the connection is ours alone.
  await client.query(`set lock_timeout = ${lockTimeoutMs}`);
  await client.query("set statement_timeout = 0");
  const { rows } = await client.query<{ name: string; statement: string; valid: boolean | null }>(
    `select w.name, w.statement, i.indisvalid as valid
       from outbox.index_statements($1::regclass) w
       left join pg_catalog.pg_index i on i.indexrelid = to_regclass(format('%s.%I', $2::text, w.name))`,
    [queue.name, schema],
  );
  for (const { name, statement, valid } of rows) {
    await dropLeftovers(client, name, qualified);
    try {
      if (valid === false) await client.query(`drop index concurrently if exists ${qualified(name)}`);
      await client.query(valid ? `reindex index concurrently ${qualified(name)}` : statement);
    } catch (error) {
      await dropLeftovers(client, name, qualified).catch(() => undefined);
      throw explain(error, name, queue);
    }
    yield { index: name, done: valid ? "rebuilt" : valid === null ? "built" : "mended" };
  }
}

/** What an interrupted REINDEX CONCURRENTLY leaves: copies of the index that are not valid and are kept up to date nevertheless. */
async function dropLeftovers(
  client: Client,
  name: string,
  qualified: (index: string) => string,
): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name
       from pg_catalog.pg_class c
       join pg_catalog.pg_index i on i.indexrelid = c.oid
      where not i.indisvalid and c.relname ~ ('^' || $1 || '_cc(new|old)[0-9]*$')`,
    [name],
  );
  for (const leftover of rows) await client.query(`drop index concurrently ${qualified(leftover.name)}`);
}

function explain(error: unknown, index: string, queue: RegisteredQueue): unknown {
  const { code, message } = error as pg.DatabaseError;
  if (code === "55P03") {
    return new HarnessError({
      code: "outbox-reindex-blocked",
      message: `${index} could not be built: a transaction was in the way for too long`,
      hint: "Look for it with `harness outbox status`, or wait longer: --lock-timeout. Nothing is left behind that has to be mended by hand.",
      cause: error,
    });
  }
  if (code === "23505") {
    return new HarnessError({
      code: "outbox-duplicates",
      message: `${index} cannot be built: ${message}`,
      hint: `Bury the duplicates first, as app_background: select outbox.bury_duplicates('${queue.name}');`,
      cause: error,
    });
  }
  return error;
}

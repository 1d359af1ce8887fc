import type { ClientBase } from "pg";
import { HarnessError } from "../core/errors.ts";

export interface RegisteredQueue {
  /** schema.table, quoted where it has to be. */
  name: string;
  /** Where inserts are announced, or null. */
  channel: string | null;
}

export const defaultQueue = "public.capacity_outbox";

/** The queues of a database. @throws HarnessError `no-outbox`, `outbox-outdated` */
export async function listQueues(client: ClientBase): Promise<RegisteredQueue[]> {
  const { rows: found } = await client.query(
    "select to_regclass('outbox.queues') is not null as there, to_regclass('outbox.workers') is not null as current",
  );
  if (!found[0].there) {
    throw new HarnessError({
      code: "no-outbox",
      message: "this database has no outbox: there is no table outbox.queues",
      hint: "Apply the migrations (harness apply), or include policies/outbox/ in your own.",
    });
  }
  if (!found[0].current) {
    throw new HarnessError({
      code: "outbox-outdated",
      message: "the outbox of this database is older than this harness",
      hint: "Apply the migrations first: dispatchers of before go on with the new functions.",
    });
  }
  // Whole names, whatever the search_path is.
  const { rows } = await client.query<RegisteredQueue>(
    `select format('%I.%I', n.nspname, c.relname) as name, q.channel
       from outbox.queues q
       join pg_catalog.pg_class c on c.oid = q.queue
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      order by name`,
  );
  return rows;
}

/** @throws HarnessError `no-outbox`, `outbox-outdated`, `unknown-queue` */
export async function findQueue(client: ClientBase, name = defaultQueue): Promise<RegisteredQueue> {
  const queues = await listQueues(client);
  const wanted = name.includes(".") ? name : `public.${name}`;
  const queue = queues.find((one) => one.name === wanted);
  if (queue) return queue;
  throw new HarnessError({
    code: "unknown-queue",
    message: `${name} is no queue`,
    hint: `There are ${queues.map((one) => one.name).join(", ") || "none"}; outbox.register() makes a table one.`,
  });
}

/** One queue by its name, or all. */
export async function chosenQueues(client: ClientBase, name: string | undefined): Promise<RegisteredQueue[]> {
  return name ? [await findQueue(client, name)] : listQueues(client);
}

import {
  ack,
  type Churned,
  type ClaimedRow,
  type Design,
  enter,
  fairClaim,
  orderedAck,
  orderedClaim,
  type State,
} from "./queues.ts";

const batch = 100;

/** Sends jobs through a queue, adding as many as it finishes, while another connection holds on to a snapshot from before. */
export async function churn(
  { client, database }: State,
  design: Design,
  queue: string,
  jobs: number,
): Promise<Churned> {
  const holder = await database.connect();
  const times: number[] = [];
  try {
    await holder.query("begin isolation level repeatable read");
    await holder.query("select count(*) from outbox.queues");
    for (let done = 0; done < jobs; done += batch) {
      const { rows, ms } = await claim(client, design, queue);
      times.push(ms);
      await enter(client, "app_background");
      await (design === "plan" ? orderedAck : ack)(client, queue, rows);
      // To the same tenants, so that every one of them always has something waiting.
      await client.query(
        `insert into ${queue} (restaurant_id, event_type, payload, dedupe_key)
         select t, 'capacity.taken', '{"table": 1}', gen_random_uuid()::text from unnest($1::uuid[]) as t`,
        [rows.map(({ tenant }) => tenant)],
      );
      await client.query("commit");
    }
  } finally {
    await holder.query("rollback");
  }
  const tenth = Math.ceil(times.length / 10);
  const slices = Array.from({ length: 10 }, (_, at) => times.slice(at * tenth, (at + 1) * tenth)).filter(
    (slice) => slice.length > 0,
  );
  return { first: slices[0] ?? [], last: slices.at(-1) ?? [], tenths: slices.map(median) };
}

async function claim(
  client: State["client"],
  design: Design,
  queue: string,
): Promise<{ rows: ClaimedRow[]; ms: number }> {
  await enter(client, "app_background");
  const started = performance.now();
  const { rows } = await (design === "plan" ? orderedClaim : fairClaim)(client, queue, batch);
  const ms = performance.now() - started;
  await client.query("commit");
  return { rows, ms };
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

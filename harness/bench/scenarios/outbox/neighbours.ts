import { setTimeout as sleep } from "node:timers/promises";
import { Dispatcher } from "../../../client/dispatcher/dispatcher.ts";
import { defaultSettings } from "../../../outbox/dispatch-settings.ts";
import { enter, queueOf, type State } from "./queues.ts";

/** What the handlers of the noisy tenant do. */
export const noises = {
  hang: () => new Promise<never>(() => {}),
  fail: () => Promise.reject(new Error("no answer")),
  dawdle: () => sleep(1_000),
  flood: () => Promise.resolve(),
} as const;

const eventsOf = ({ quick }: State) => (quick ? 50 : 500);
const noisyEvents = ({ quick }: State) => (quick ? 500 : 5_000);
/** About what a request to a receiver nearby takes. */
const handlerMs = 5;

/**
 * Milliseconds from the moment when a quiet tenant's events are added until all are delivered, by the dispatcher with its defaults, which is
 * busy with the noisy tenant's since before.
 */
export async function quietTenantWaits(state: State, noise: keyof typeof noises | null): Promise<number> {
  const { client, database } = state;
  const queue = await queueOf(state, "fair", 0, "_neighbours");
  const { rows } = await client.query(
    "select md5('tenant 1')::uuid as quiet, md5('tenant 2')::uuid as noisy",
  );
  const { quiet, noisy } = rows[0];
  await inJob(state, `delete from ${queue}`);
  if (noise) await add(state, queue, noisy, noisyEvents(state));

  let delivered = 0;
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let busy = () => {};
  const isBusy = new Promise<void>((resolve) => {
    busy = resolve;
  });
  const dispatcher = new Dispatcher({
    ...defaultSettings,
    graceMs: 0,
    connect: database.connect,
    connectToListen: database.connect,
    queue,
    channel: "outbox",
    async handler({ tenant }) {
      if (tenant === noisy && noise) {
        busy();
        return noises[noise]();
      }
      await sleep(handlerMs);
      if (++delivered === eventsOf(state)) finish();
    },
    expireHolds: false,
    job: "bench",
    log: () => undefined,
  });
  const running = dispatcher.run();
  try {
    if (noise) await isBusy;
    else while (dispatcher.metrics.value("claims_total") === 0) await sleep(1);
    const started = performance.now();
    await add(state, queue, quiet, eventsOf(state));
    await finished;
    return performance.now() - started;
  } finally {
    dispatcher.stop();
    await running;
  }
}

const add = (state: State, queue: string, tenant: string, events: number) =>
  inJob(
    state,
    `insert into ${queue} (restaurant_id, event_type, dedupe_key) select '${tenant}', 'e', gen_random_uuid()::text from generate_series(1, ${events})`,
  );

async function inJob({ client }: State, statement: string): Promise<void> {
  await enter(client, "app_background");
  await client.query(statement);
  await client.query("commit");
}

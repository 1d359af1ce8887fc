import { Dispatcher } from "../../../client/dispatcher/dispatcher.ts";
import { defaultSettings } from "../../../outbox/dispatch-settings.ts";
import type { State } from "./queues.ts";

/** How `harness outbox dispatch` would be called. */
export interface Size {
  batch: number;
  perTenant?: number | undefined;
  concurrency: number;
}

/** Runs the dispatcher as it is, with a handler that does nothing, until so many events are handled. How many it were in the end. */
export async function dispatch(
  { database }: State,
  queue: string,
  jobs: number,
  size: Size,
): Promise<number> {
  let handled = 0;
  const dispatcher: Dispatcher = new Dispatcher({
    ...defaultSettings,
    ...size,
    connect: database.connect,
    connectToListen: null,
    queue,
    channel: "outbox",
    handler: () => {
      if (++handled === jobs) dispatcher.stop();
    },
    expireHolds: false,
    job: "bench",
    log: () => undefined,
  });
  await dispatcher.run();
  return handled;
}

import { dispatch } from "./dispatch.ts";
import { enter, orderedAck, orderedClaim, queueOf, type State } from "./queues.ts";

const jobsOf = ({ quick }: State) => (quick ? 1_000 : 5_000);

/** Claim 100, do nothing, acknowledge, over and over on one connection. Microseconds a job. */
export async function drainInOrder(state: State): Promise<number> {
  const queue = await queueOf(state, "plan", 100_000, "_drain");
  const jobs = jobsOf(state);
  const started = performance.now();
  for (let done = 0; done < jobs; ) {
    await enter(state.client, "app_background");
    const { rows } = await orderedClaim(state.client, queue, 100);
    await state.client.query("commit");
    await enter(state.client, "app_background");
    await orderedAck(state.client, queue, rows);
    await state.client.query("commit");
    if (rows.length === 0) throw new Error("the queue is empty: fewer rounds");
    done += rows.length;
  }
  return (1000 * (performance.now() - started)) / jobs;
}

/** The same by the dispatcher as it is. */
export async function drainByDispatcher(state: State): Promise<number> {
  const queue = await queueOf(state, "fair", 100_000, "_drain");
  const started = performance.now();
  const handled = await dispatch(state, queue, jobsOf(state), { batch: 100, perTenant: 1, concurrency: 10 });
  return (1000 * (performance.now() - started)) / handled;
}

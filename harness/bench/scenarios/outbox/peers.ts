import { defaultSettings } from "../../../outbox/dispatch-settings.ts";
import { dispatch } from "./dispatch.ts";
import { enter, queueOf, type State } from "./queues.ts";

// Each adds its jobs first, which is not measured, and then answers with the microseconds that a job took: from the start of
// the worker until all are done and acknowledged and the worker has stopped. The handlers do nothing.

const jobsOf = ({ quick }: State) => (quick ? 500 : 20_000);

/** Events and jobs that are fetched at a time; graphile-worker gains nothing by more than its own 500. */
const fetched = 1_000;
const concurrency = 24;

export async function addEvents(state: State): Promise<void> {
  const queue = await queueOf(state, "fair", 0, "_peers");
  await enter(state.client, "app_background");
  await state.client.query(
    `insert into ${queue} (restaurant_id, event_type, payload, dedupe_key)
     select md5('tenant ' || n % 1000)::uuid, 'capacity.taken', '{"table": 1}', gen_random_uuid()::text
       from generate_series(1, $1::integer) as n`,
    [jobsOf(state)],
  );
  await state.client.query("commit");
}

/** The dispatcher as `harness outbox dispatch` has it, with nothing chosen. */
export async function drainByDispatcher(state: State): Promise<number> {
  const queue = await queueOf(state, "fair", 0, "_peers");
  return drain(state, (jobs) => dispatch(state, queue, jobs, defaultSettings));
}

export async function addToGraphileWorker(state: State): Promise<void> {
  const { runMigrations } = await import("graphile-worker");
  await runMigrations({ pgPool: poolOf(state), logger: await silent() });
  await state.client.query(
    `select graphile_worker.add_jobs(array(
       select ('tick', json_build_object('table', 1, 'tenant', n % 1000), null, null, null, null, null, null)::graphile_worker.job_spec
         from generate_series(1, $1::integer) as n))`,
    [jobsOf(state)],
  );
}

/** As its page on performance has it: a local queue, completions in batches. */
export async function drainByGraphileWorker(state: State): Promise<number> {
  const { run } = await import("graphile-worker");
  const logger = await silent();
  return drain(state, async (jobs) => {
    let handled = 0;
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const runner = await run({
      pgPool: poolOf(state),
      logger,
      noHandleSignals: true,
      taskList: {
        tick: () => {
          if (++handled === jobs) finish();
        },
      },
      preset: {
        worker: {
          concurrentJobs: concurrency,
          localQueue: { size: 500 },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        },
      },
    });
    await finished;
    await runner.stop();
    return handled;
  });
}

export async function addToPgBoss(state: State): Promise<void> {
  if (!state.boss) {
    const { default: PgBoss } = await import("pg-boss");
    const pool = poolOf(state);
    const db = { executeSql: (text: string, values: unknown[]) => pool.query(text, values) };
    state.boss = new PgBoss({ db, supervise: false, schedule: false });
    await state.boss.start();
    await state.boss.createQueue("tick");
  }
  const jobs = Array.from({ length: jobsOf(state) }, (_, n) => ({
    name: "tick",
    data: { table: 1, tenant: n % 1000 },
  }));
  await state.boss.insert(jobs);
}

/** Its fetch and complete by hand: its own loop pauses for half a second between batches. */
export async function drainByPgBoss(state: State): Promise<number> {
  return drain(state, async () => {
    let handled = 0;
    for (;;) {
      const jobs = await state.boss?.fetch("tick", { batchSize: fetched });
      if (!jobs || jobs.length === 0) return handled;
      await state.boss?.complete(
        "tick",
        jobs.map(({ id }) => id),
      );
      handled += jobs.length;
    }
  });
}

async function drain(state: State, work: (jobs: number) => Promise<number>): Promise<number> {
  const jobs = jobsOf(state);
  const started = performance.now();
  const handled = await work(jobs);
  const elapsed = performance.now() - started;
  if (handled !== jobs) throw new Error(`${handled} jobs were handled instead of ${jobs}`);
  return (1000 * elapsed) / jobs;
}

function poolOf(state: State) {
  state.pool ??= state.database.pool(concurrency + 1);
  return state.pool;
}

async function silent() {
  const { Logger } = await import("graphile-worker");
  return new Logger(() => () => {});
}

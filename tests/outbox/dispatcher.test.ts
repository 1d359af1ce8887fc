import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keyOf } from "../../harness/client/dispatcher/queue.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type RunningDispatcher, startDispatcher, stopDispatcher } from "./support/dispatcher.ts";
import { addEvents, addTenants, clear, job, statuses, until, value } from "./support/outbox.ts";

const { client, url } = await testDatabase();
const folder = temporaryFolder();
const tenants = await addTenants(client, 5);
await client.query("update outbox.queues set backoff_base = '100 milliseconds'");
const running: RunningDispatcher[] = [];

/** Short leases and sweeps, so that what was lost comes back while the test runs. */
const hasty = ["--lease", "2", "--sweep", "0.3", "--poll", "0.1"];
async function start(args: string[] = hasty, env: Record<string, string> = {}): Promise<RunningDispatcher> {
  const dispatcher = await startDispatcher(folder, url, args, env);
  running.push(dispatcher);
  return dispatcher;
}
const done = (count: number) =>
  until(
    `${count} are done`,
    () => statuses(client),
    ({ done: finished = 0 }) => finished === count,
  );

beforeEach(() => clear(client));
afterEach(async () => {
  for (const { process } of running) process.kill("SIGKILL");
  for (const { ended } of running.splice(0)) await ended;
});

test("two dispatchers, one killed in mid-batch: every event is handled, none is lost", async () => {
  const gate = join(folder, "killed");
  for (const tenant of tenants) await addEvents(client, tenant, 40);
  const first = await start([...hasty, "--batch", "50", "--concurrency", "4"]);
  const second = await start([...hasty, "--batch", "50", "--concurrency", "4"]);
  await done(200);
  for (const tenant of tenants) await addEvents(client, tenant, 40, { gate });
  for (const { metrics } of [first, second])
    await until("it is amid a batch", metrics, (m) => m.running === 4);
  first.process.kill("SIGKILL");
  await first.ended;
  writeFileSync(gate, "");
  await done(400);

  const deliveries = [...first.deliveries(), ...second.deliveries()];
  expect(new Set(deliveries.map(keyOf)).size).toBe(400);
  // What had been acknowledged is not delivered again, and nothing has lost an attempt.
  expect(deliveries).toHaveLength(400);
  expect(deliveries.every(({ attempt }) => attempt === 1)).toBe(true);
  expect(await value(client, "max(attempts)")).toBe(1);
  expect(await stopDispatcher(second)).toBe(130);
});

test("who slept through the end of its lease acknowledges nothing", async () => {
  const gate = join(folder, "asleep");
  for (const tenant of tenants) await addEvents(client, tenant, 10, { gate });
  const sleeper = await start([...hasty, "--concurrency", "50"]);
  await until(
    "it holds them",
    () => statuses(client),
    ({ processing = 0 }) => processing === 50,
  );
  sleeper.process.kill("SIGSTOP");
  writeFileSync(gate, "");
  const other = await start([...hasty, "--concurrency", "50"]);
  await done(50);
  const finishedAt = await value(client, "max(finished_at)::text");
  sleeper.process.kill("SIGCONT");
  const told = await until(
    "it has been told",
    sleeper.metrics,
    (m) => (m.stale_total ?? 0) + (m.lost_leases_total ?? 0) >= 50,
  );
  expect(told.acked_total).toBe(0);
  expect(other.deliveries()).toHaveLength(50);
  expect(await statuses(client)).toEqual({ done: 50 });
  expect(await value(client, "max(finished_at)::text")).toBe(finishedAt);
});

test("long work keeps its lease", async () => {
  await addEvents(client, tenants[0] ?? "", 1, { ms: 4000 });
  const [first, second] = [
    await start(["--lease", "1", "--sweep", "0.2", "--poll", "0.1"]),
    await start(hasty),
  ];
  await done(1);
  expect([...first.deliveries(), ...second.deliveries()]).toHaveLength(1);
  expect(await value(client, "attempts")).toBe(1);
});

test("poison: what fails, what is rejected and what kills its dispatcher end dead; the others arrive", async () => {
  const [a = "", b = "", c = ""] = tenants;
  const fewAttempts = () =>
    job(client, () => client.query("update public.capacity_outbox set max_attempts = 3"));
  const quick = ["--lease", "1", "--sweep", "0.2", "--poll", "0.1", "--batch", "10"];
  await addEvents(client, a, 1, { fail: true });
  await addEvents(client, b, 1, { reject: true });
  for (const tenant of tenants) await addEvents(client, tenant, 10);
  await fewAttempts();
  const first = await start(quick);
  await until(
    "all is finished",
    () => statuses(client),
    ({ done: finished, dead }) => finished === 50 && dead === 2,
  );
  expect(await stopDispatcher(first)).toBe(130);

  await addEvents(client, c, 1, { kill: true });
  await fewAttempts();
  for (const tenant of tenants) await addEvents(client, tenant, 10);
  let lives = 0;
  for (let finished = false; !finished; lives++) {
    expect(lives).toBeLessThan(10);
    const dispatcher = await start(quick);
    let alive = true;
    void dispatcher.ended.then(() => {
      alive = false;
    });
    finished = await until(
      "all is finished or it has died",
      async () =>
        Object.keys(await statuses(client)).every((status) => status === "done" || status === "dead"),
      (answer) => answer || !alive,
    );
  }
  const { rows } = await job(client, () =>
    client.query("select restaurant_id, dead_reason from public.capacity_outbox where status = 'dead'"),
  );
  expect(Object.fromEntries(rows.map((row) => [row.restaurant_id, row.dead_reason]))).toEqual({
    [a]: "attempts",
    [b]: "rejected",
    [c]: "lease_expired",
  });
  expect(await statuses(client)).toEqual({ done: 100, dead: 3 });
  expect(lives).toBeGreaterThanOrEqual(3);
});

test("what kills its dispatcher takes no attempt from what was claimed or at work beside it", async () => {
  const [a = "", b = ""] = tenants;
  // Twice the same: the second time it is known whose fault it is.
  await addEvents(client, a, 2, { kill: true });
  await job(client, () => client.query("update public.capacity_outbox set max_attempts = 2"));
  for (const tenant of [a, b]) await addEvents(client, tenant, 20, { ms: 50 });
  const quick = ["--lease", "1", "--sweep", "0.2", "--poll", "0.1"];
  for (let settled = false, lives = 1; !settled; lives++) {
    expect(lives).toBeLessThan(20);
    const dispatcher = await start(quick);
    let alive = true;
    void dispatcher.ended.then(() => {
      alive = false;
    });
    settled = await until(
      "all is settled or it has died",
      async () =>
        Object.keys(await statuses(client)).every((status) => status === "done" || status === "dead"),
      (answer) => answer || !alive,
    );
  }
  expect(await statuses(client)).toEqual({ done: 40, dead: 2 });
  expect(await value(client, "max(attempts) filter (where status = 'done')")).toBe(1);
  expect(await value(client, "string_agg(distinct dead_reason, ',')")).toBe("lease_expired");
});

test("one event that the server refuses to settle stops no other", async () => {
  const gate = join(folder, "refusing");
  await addEvents(client, tenants[0] ?? "", 1, { bad: true, gate });
  await addEvents(client, tenants[1] ?? "", 3, { gate });
  const dispatcher = await start(["--lease", "60", "--sweep", "0.3", "--poll", "0.1"]);
  await until("they are at work", dispatcher.metrics, ({ running = 0 }) => running === 4);
  await client.query(
    "alter table public.capacity_outbox add constraint no_bad check (not payload ? 'bad') not valid",
  );
  writeFileSync(gate, "");
  try {
    await done(3);
    await until("it says so", dispatcher.metrics, ({ refused_total }) => refused_total === 1);
    await addEvents(client, tenants[1] ?? "", 3);
    await done(6);
    expect(dispatcher.stderr()).toContain("cannot be settled");
    expect(await statuses(client)).toEqual({ done: 6, processing: 1 });
  } finally {
    await client.query("alter table public.capacity_outbox drop constraint no_bad");
  }
});

test("a dispatcher whose clock is a day off, in another time zone, takes nobody's lease and loses none", async () => {
  const skew = join(folder, "skew.mjs");
  writeFileSync(
    skew,
    `const day = Number(process.env.SKEW_MS); const now = Date.now.bind(Date); const Real = Date;
     globalThis.Date = class extends Real { constructor(...args) { args.length ? super(...args) : super(now() + day); } static now() { return now() + day; } };`,
  );
  for (const tenant of tenants) await addEvents(client, tenant, 40, { ms: 30 });
  await job(client, () =>
    client.query(
      "insert into public.capacity_outbox (restaurant_id, event_type, next_attempt_at) values ($1, 'later', clock_timestamp() + interval '1 hour')",
      [tenants[0]],
    ),
  );
  const env = (hours: number) => ({
    NODE_OPTIONS: `--import=${skew}`,
    SKEW_MS: String(hours * 3_600_000),
    TZ: "Pacific/Kiritimati",
  });
  const dispatchers = [await start(hasty, env(24)), await start(hasty, env(-24)), await start(hasty)];
  await done(200);
  const deliveries = dispatchers.flatMap((dispatcher) => dispatcher.deliveries());
  expect(deliveries).toHaveLength(200);
  expect(deliveries.every(({ attempt }) => attempt === 1)).toBe(true);
  expect(await statuses(client)).toEqual({ done: 200, pending: 1 });
});

test("SIGTERM: what is at work is finished, what has not begun is given back untried", async () => {
  for (const tenant of tenants) await addEvents(client, tenant, 10, { ms: 400 });
  const dispatcher = await start(["--concurrency", "3", "--poll", "0.1"]);
  await until("it is at work", dispatcher.metrics, ({ running: atWork }) => atWork === 3);
  expect(await stopDispatcher(dispatcher)).toBe(130);
  const finished = dispatcher.deliveries().length;
  expect(finished).toBeGreaterThanOrEqual(3);
  expect(await statuses(client)).toEqual({ done: finished, pending: 50 - finished });
  expect(await value(client, "max(attempts) filter (where status = 'pending')")).toBe(0);
  expect(dispatcher.stderr()).toMatch(
    new RegExp(
      `Stopped: ${finished} delivered, 0 failed, [1-9]\\d* given back. Nothing is leased to it any more; what waits`,
    ),
  );
});

test("what it holds and works on is in its metrics from the claim on", async () => {
  await addEvents(client, tenants[0] ?? "", 2, { ms: 3_600_000 });
  const dispatcher = await start([
    "--concurrency",
    "1",
    "--lease",
    "3600",
    "--sweep",
    "3600",
    "--grace",
    "0",
  ]);
  await until("it says so", dispatcher.metrics, ({ in_flight, running }) => in_flight === 2 && running === 1);
  expect((await dispatcher.metrics()).acked_total).toBe(0);
});

test("SIGTERM does not wait for ever: what takes too long counts as an attempt and is due again", async () => {
  await addEvents(client, tenants[0] ?? "", 1, { ms: 3_600_000 });
  const dispatcher = await start([...hasty, "--grace", "0.3"]);
  await until("it is at work", dispatcher.metrics, ({ running: atWork }) => atWork === 1);
  dispatcher.process.kill("SIGTERM");
  await until(
    "it is given back",
    () => statuses(client),
    ({ pending = 0 }) => pending === 1,
  );
  expect(await value(client, "concat_ws(' ', attempts, last_error)")).toBe(
    "1 the dispatcher stopped before this was done",
  );
});

test("hears of new events, without polling, and after its connections were cut", async () => {
  const deaf = ["--poll", "3000", "--sweep", "3000"];
  const dispatcher = await start(deaf);
  await until("it has looked around", dispatcher.metrics, (m) => (m.claims_total ?? 0) > 0);
  await addEvents(client, tenants[0] ?? "", 3);
  await done(3);
  expect((await dispatcher.metrics()).notifications_total).toBe(1);

  const other = await connect(url, { purpose: "test" });
  const { rows } = await other.query(
    "select count(pg_terminate_backend(pid))::int as cut from pg_stat_activity where datname = current_database() and application_name in ('harness outbox dispatcher', 'harness outbox listen')",
  );
  await other.end();
  // one to claim, one to settle, one to listen
  expect(rows[0].cut).toBe(3);
  await addEvents(client, tenants[1] ?? "", 3);
  await done(6);
  expect((await dispatcher.metrics()).connection_failures_total).toBeGreaterThan(0);
});

test("polls where LISTEN is not to be had", async () => {
  const dispatcher = await start(["--no-listen", "--poll", "0.1"]);
  await addEvents(client, tenants[0] ?? "", 3);
  await done(3);
  expect((await dispatcher.metrics()).notifications_total).toBe(0);
});

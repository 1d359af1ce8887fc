import { afterEach, beforeEach, expect, test } from "vitest";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type RunningDispatcher, startDispatcher, stopDispatcher } from "./support/dispatcher.ts";
import { addEvents, addTenants, clear, job, until } from "./support/outbox.ts";

const { client, url } = await testDatabase();
const folder = temporaryFolder();
const [a = "", b = "", c = ""] = await addTenants(client, 3);
await client.query("update outbox.queues set backoff_base = '100 milliseconds'");
const running: RunningDispatcher[] = [];
beforeEach(async () => {
  await clear(client);
  await job(client, () => client.query("delete from outbox.workers"));
});
afterEach(async () => {
  for (const { process } of running) process.kill("SIGKILL");
  for (const { ended } of running.splice(0)) await ended;
});

async function start(...args: string[]): Promise<RunningDispatcher> {
  const dispatcher = await startDispatcher(folder, url, ["--poll", "0.05", "--sweep", "0.2", ...args]);
  running.push(dispatcher);
  return dispatcher;
}

async function ofTenant(tenant: string, expression: string): Promise<unknown> {
  const { rows } = await job(client, () =>
    client.query(`select ${expression} as value from public.capacity_outbox where restaurant_id = $1`, [
      tenant,
    ]),
  );
  return rows[0].value;
}
const delivered = (tenant: string, events: number) =>
  until(
    `${events} are delivered`,
    () => ofTenant(tenant, "count(*) filter (where status = 'done')::int"),
    (count) => count === events,
  );

test("a tenant whose handlers never return leaves room for the others, whatever its backlog", async () => {
  await addEvents(client, a, 3_000, { hang: true });
  // No time limit that would help.
  const dispatcher = await start("--handler-timeout", "3600");
  await until("they hang", dispatcher.metrics, (m) => m.running === 5);
  for (let round = 1; round <= 3; round++) {
    await addEvents(client, b, 100);
    await delivered(b, 100 * round);
  }
  const { running: atWork, in_flight } = await dispatcher.metrics();
  expect(atWork).toBe(5);
  expect(in_flight).toBeLessThanOrEqual(10);
});

test("one handler at a time of each tenant, if that is asked for", async () => {
  await addEvents(client, a, 20, { hang: true });
  await addEvents(client, b, 20, { hang: true });
  const dispatcher = await start(
    "--handler-timeout",
    "3600",
    "--per-tenant-running",
    "1",
    "--concurrency",
    "3",
  );
  await until("they hang", dispatcher.metrics, (m) => m.running === 2);
  await addEvents(client, c, 30);
  await delivered(c, 30);
  expect((await dispatcher.metrics()).running).toBe(2);
});

test("a handler that takes too long is aborted, and its event has failed; the tenant is left alone, and asked again", async () => {
  // It waits for its signal and returns then: too late.
  const run =
    "await new Promise((resolve) => signal.addEventListener('abort', resolve)); throw new Error('too late')";
  await addEvents(client, a, 1, { run });
  await addEvents(client, a, 40, { hang: true });
  const dispatcher = await start("--handler-timeout", "0.3");
  const open = await until("the circuit opens", dispatcher.metrics, (m) => m.circuits_opened_total === 1);
  expect(open.open_circuits).toBe(1);
  await until(
    "what has not begun is given back",
    () => ofTenant(a, "count(*) filter (where status = 'processing')::int"),
    (count) => count === 0,
  );
  expect(await ofTenant(a, "min(last_error)")).toBe("the handler did not return within 0.3 s");
  expect(await ofTenant(a, "count(*) filter (where attempts > 0)::int")).toBe(5);
  expect(await ofTenant(a, "max(attempts)")).toBe(1);
  const metrics = await dispatcher.metrics();
  expect(metrics.handler_timeouts_total).toBe(5);
  // One has returned after its signal.
  expect(metrics.overdue).toBe(4);
  await addEvents(client, b, 10);
  await delivered(b, 10);

  const { stdout } = await harness(["outbox", "status", "--database-url", url, "--queue", "capacity_outbox"]);
  expect(stdout).toMatch(/^ {2}dispatchers {2}1, which leave 1 tenants alone for now$/m);
  expect(stdout).toMatch(new RegExp(`^  ${a}  failed [1-5] times in a row, next attempt (in |now)`, "m"));
  const json = await harness([
    "outbox",
    "status",
    "--database-url",
    url,
    "--queue",
    "capacity_outbox",
    "--json",
  ]);
  expect(JSON.parse(json.stdout).queues[0].leftAlone).toMatchObject([{ tenant: a, dispatchers: 1 }]);

  // Its receiver is well again: one event is tried, then all.
  await job(client, () =>
    client.query(
      "update public.capacity_outbox set payload = '{}', next_attempt_at = clock_timestamp() where restaurant_id = $1",
      [a],
    ),
  );
  await delivered(a, 41);
  expect((await dispatcher.metrics()).open_circuits).toBe(0);
});

test("an answer in between keeps the circuit closed, and so does a refusal for good", async () => {
  const [events, outcomes] = [8, ["fail", "reject"]];
  for (let n = 0; n < events; n++) await addEvents(client, a, 1, { [outcomes[n % 2] ?? ""]: true });
  await job(client, () => client.query("update public.capacity_outbox set max_attempts = 1"));
  const dispatcher = await start("--concurrency", "1");
  await until(
    "all are dead",
    () => ofTenant(a, "count(*) filter (where status = 'dead')::int"),
    (count) => count === events,
  );
  expect((await dispatcher.metrics()).circuits_opened_total).toBe(0);
  expect(await stopDispatcher(dispatcher)).toBe(130);
  await clear(client);

  await addEvents(client, b, events, { fail: true });
  await job(client, () => client.query("update public.capacity_outbox set max_attempts = 1"));
  const other = await start("--concurrency", "1");
  await until("five failures open it", other.metrics, (m) => m.circuits_opened_total === 1);
  await until(
    "they are settled",
    () => ofTenant(b, "count(*) filter (where status = 'processing')::int"),
    (count) => count === 0,
  );
  expect(await ofTenant(b, "count(*) filter (where status = 'dead')::int")).toBe(5);
  await until(
    "after its pause the others are tried",
    () => ofTenant(b, "count(*) filter (where status = 'dead')::int"),
    (count) => count === events,
  );
});

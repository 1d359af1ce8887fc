import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeThrown } from "../../harness/client/dispatcher/error-text.ts";
import { testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type RunningDispatcher, startDispatcher } from "./support/dispatcher.ts";
import { addEvents, addTenants, clear, job, statuses, until } from "./support/outbox.ts";

const { client, url } = await testDatabase();
const folder = temporaryFolder();
const [bad = "", good = ""] = await addTenants(client, 2);
let dispatcher: RunningDispatcher | null = null;
beforeEach(() => clear(client));
afterEach(async () => {
  dispatcher?.process.kill("SIGKILL");
  await dispatcher?.ended;
});

/** What a handler may do, and what is written down of it. */
const misdeeds: [code: string, error: RegExp][] = [
  ['throw new Error("answer: \\u0000")', /^Error: answer: \uFFFD$/],
  ['throw new Error("\\ud800 and \\udc00")', /^Error: \uFFFD and \uFFFD$/],
  ['throw new Error("x".repeat(1e7))', /^Error: x{1993}$/],
  ['throw "y".repeat(1e7)', /^y{2000}$/],
  ["throw undefined", /^undefined$/],
  ["throw null", /^null$/],
  ["throw 5n", /^5$/],
  ['throw Symbol("s")', /^Symbol\(s\)$/],
  ["throw Object.create(null)", /^something that has no text: object$/],
  ["throw Object.assign(Object.create(null), { code: 5 })", /^something that has no text: object$/],
  ['throw { toString() { throw new Error("no") } }', /^something that has no text: object$/],
  ['throw { get retry() { throw new Error("no") }, get retryAfterMs() { throw 1 } }', /^\[object Object\]$/],
  [
    'throw Object.defineProperty(new Error("m"), "message", { get() { throw 1 } })',
    /^(Error|something that has no text: object)/,
  ],
  ['throw Object.defineProperty(new Error("m"), "name", { get() { throw 1 } })', /^m$/],
  [
    'throw Object.assign(new Error("m"), { message: Object.create(null) })',
    /^(Error|something that has no text: object)/,
  ],
  [
    "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy",
    /^something that has no text: object$/,
  ],
  ['throw Object.assign(new Error("later"), { retryAfterMs: 1e300 })', /^Error: later$/],
  ['throw Object.assign(new Error("never"), { retryAfterMs: Infinity })', /^Error: never$/],
  ['throw Object.assign(new Error("odd"), { retryAfterMs: NaN, retry: Symbol("no") })', /^Error: odd$/],
  ['throw Object.assign(new Error("big"), { retryAfterMs: 5n })', /^Error: big$/],
  ['Promise.reject(new Error("nobody waits"))', /^Error: nobody waits$/],
  ["Promise.reject(Object.create(null))", /^something that has no text: object$/],
  [
    'setTimeout(() => { throw new Error("callback") }, 5); await new Promise((r) => setTimeout(r, 100))',
    /^Error: callback$/,
  ],
  [
    'process.nextTick(() => { throw new Error("tick") }); await new Promise((r) => setTimeout(r, 100))',
    /^Error: tick$/,
  ],
  [
    'event.tenant = "x"; event.id = "\\u0000"; event.token = {}; Object.freeze(event); throw new Error("mutated")',
    /^Error: mutated$/,
  ],
  ["return { then(done, no) { no(new Error('thenable')) } }", /^Error: thenable$/],
];

async function untried(): Promise<number> {
  const { rows } = await job(client, () =>
    client.query("select count(*)::int as events from public.capacity_outbox where attempts = 0"),
  );
  return rows[0].events;
}

test("whatever a handler throws fails its event, with a text, and nothing else", async () => {
  // A tenant each: after five failures in a row one is left alone for a while.
  const each = await addTenants(client, misdeeds.length);
  for (const [at, [code]] of misdeeds.entries())
    await addEvents(client, each[at] ?? "", 1, { run: code, code });
  await addEvents(client, good, misdeeds.length);
  dispatcher = await startDispatcher(folder, url, ["--poll", "0.1"]);
  await until(
    "all have been tried",
    () => untried(),
    (events) => events === 0,
  );
  // the failed ones may be at work again, or wait for it
  expect((await statuses(client)).done).toBe(misdeeds.length);
  const { rows } = await job(client, () =>
    client.query<{ code: string; last_error: string }>(
      "select payload ->> 'code' as code, last_error from public.capacity_outbox where restaurant_id = any ($1)",
      [each],
    ),
  );
  const errors = new Map(rows.map(({ code, last_error }) => [code, last_error]));
  for (const [code, error] of misdeeds) expect(errors.get(code), code).toMatch(error);
});

test("what happens after a handler has returned ends nothing", async () => {
  await addEvents(client, bad, 1, { run: 'setTimeout(() => Promise.reject(new Error("late")), 50)' });
  dispatcher = await startDispatcher(folder, url, ["--poll", "0.1"]);
  await until("it surfaced", dispatcher.metrics, ({ stray_errors_total }) => stray_errors_total === 1);
  await addEvents(client, good, 3);
  await until(
    "the others are delivered",
    () => statuses(client),
    ({ done }) => done === 4,
  );
  expect(dispatcher.stderr()).toContain("an error that nobody waited for");
});

test("any value has a text that Postgres takes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.anything({ withNullPrototype: true, withBigInt: true, withSparseArray: true }),
      async (thrown) => {
        const { error, retryAfterMs } = describeThrown(thrown);
        const { rows } = await client.query(
          "select $1::text as error, $2::float8 * interval '1 ms' as after",
          [error, retryAfterMs],
        );
        expect(rows[0].error).toBe(error);
        expect(error.length).toBeLessThanOrEqual(2000);
      },
    ),
    { numRuns: 300 },
  );
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), async (message) => {
      const { error } = describeThrown(new Error(message));
      const { rows } = await client.query("select $1::text as error", [error]);
      expect(rows[0].error).toBe(error);
    }),
    { numRuns: 300 },
  );
});

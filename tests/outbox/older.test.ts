import { expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startDispatcher, stopDispatcher } from "./support/dispatcher.ts";
import { addEvents, addTenants, job, statuses, until, value } from "./support/outbox.ts";

const { client, url } = await testDatabase();
const tenants = await addTenants(client, 4);
await client.query("update outbox.queues set backoff_base = '50 milliseconds'");

/** The calls of a dispatcher from before there were starts and allowances, word for word. */
const older = {
  claim: `select tenant, id, token, attempt, event_type, payload, dedupe_key, idempotency_key, created_at, attributes
            from outbox.claim($1, $2, $3, $4::float8 * interval '1 millisecond', $5::regclass)`,
  ack: "select tenant, id from outbox.ack($1::uuid[], $2::bigint[], $3::bigint[], $4::regclass)",
  release: "select tenant, id from outbox.release($1::uuid[], $2::bigint[], $3::bigint[], $4::regclass)",
  fail: "select outbox.fail($1, $2, $3, $4, $5, $6::float8 * interval '1 millisecond', $7::regclass) as status",
  sweep: "select returned, buried, late from outbox.sweep(queue => $1::regclass)",
};
const queue = "public.capacity_outbox";

test("a dispatcher of before works beside one of now, and each event is settled by one of them", async () => {
  for (const tenant of tenants) await addEvents(client, tenant, 100, { ms: 2 });
  const now = await startDispatcher(temporaryFolder(), url, ["--poll", "0.1", "--sweep", "0.2"]);
  const before = await connect(url, { purpose: "test" });
  let acked = 0;
  let failed = 0;
  for (let rows = 1, turn = 0; rows > 0; turn++) {
    const claimed = (await job(before, () => before.query(older.claim, ["old:1", 20, 1, 60_000, queue])))
      .rows;
    rows = claimed.length;
    const columns = [claimed.map((e) => e.tenant), claimed.map((e) => e.id), claimed.map((e) => e.token)];
    // By turns as it would: one fails, some are given back, the others are done.
    await job(before, async () => {
      const [first] = claimed;
      if (first && turn % 3 === 0) {
        const answer = await before.query(older.fail, [
          first.tenant,
          first.id,
          first.token,
          "no",
          true,
          0,
          queue,
        ]);
        failed += answer.rows[0].status === "pending" ? 1 : 0;
      }
      if (turn % 3 === 1)
        await before.query(older.release, [...columns.map((column) => column.slice(0, 2)), queue]);
      acked += (await before.query(older.ack, [...columns, queue])).rowCount ?? 0;
      await before.query(older.sweep, [queue]);
    });
  }
  await before.end();
  await until(
    "all are done",
    () => statuses(client),
    ({ done }) => done === 400,
  );
  expect(failed).toBeGreaterThan(0);
  expect(acked + now.deliveries().length).toBe(400);
  expect(await value(client, "sum(attempts)::int")).toBe(400 + failed);
  expect(await stopDispatcher(now)).toBe(130);
});

test("what a dispatcher of before held when it died counts as begun: the first time for free", async () => {
  await job(client, () => client.query("delete from public.capacity_outbox"));
  await addEvents(client, tenants[0] ?? "", 2);
  const expire = () =>
    job(client, async () => {
      await client.query(older.claim, ["old:2", 2, 1, 60_000, queue]);
      await client.query(
        "update public.capacity_outbox set locked_until = clock_timestamp() - interval '1 second'",
      );
      await client.query(older.sweep, [queue]);
      await client.query("update public.capacity_outbox set next_attempt_at = clock_timestamp()");
    });
  await expire();
  expect(await value(client, "string_agg(concat(attempts, lost_leases), ',')")).toBe("01,01");
  await expire();
  expect(await value(client, "string_agg(concat(attempts, lost_leases), ',')")).toBe("12,12");
});

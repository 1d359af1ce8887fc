import { afterAll, beforeEach, expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { testDatabase } from "../support/database.ts";
import { addEvents, addTenants, job, until } from "./support/outbox.ts";

const { client, url } = await testDatabase();
const other = await connect(url, { purpose: "test" });
const third = await connect(url, { purpose: "test" });
afterAll(() => Promise.all([other.end(), third.end()]));
const [tenant = ""] = await addTenants(client, 1);

/** Events that were done eight days ago. */
async function addFinished(count: number, payload = {}): Promise<void> {
  await addEvents(client, tenant, count, payload);
  await job(client, () =>
    client.query(
      "update public.capacity_outbox set status = 'done', finished_at = now() - interval '8 days' where status = 'pending'",
    ),
  );
}
const archive = async (who = client, events = 1000): Promise<number> => {
  const { rows } = await who.query("select outbox.archive(max_events => $1)::int as moved", [events]);
  return rows[0].moved;
};
/** Ids in the queue and in its archive, in one snapshot. */
async function where(who = third): Promise<{ queue: string[]; archive: string[] }> {
  const { rows } = await job(who, () =>
    who.query(
      `select array(select id::text from public.capacity_outbox order by id) as queue,
              array(select id::text from public.capacity_outbox_archive order by id) as archive`,
    ),
  );
  return rows[0];
}

beforeEach(() =>
  job(client, async () => {
    await client.query("delete from public.capacity_outbox");
    await client.query("delete from public.capacity_outbox_archive");
  }),
);

test("two at once take different events, and wait for nobody", async () => {
  await addFinished(60);
  await job(client, async () => {
    expect(await archive(client, 40)).toBe(40);
    expect(await job(other, () => archive(other, 40))).toBe(20);
    expect(await job(other, () => archive(other, 40))).toBe(0);
  });
  const found = await where();
  expect(found.queue).toEqual([]);
  expect(new Set(found.archive).size).toBe(60);
});

test("what somebody is changing stays until next time", async () => {
  await addFinished(3);
  await job(client, async () => {
    await client.query(
      "update public.capacity_outbox set payload = '{}' where id = (select min(id) from public.capacity_outbox)",
    );
    expect(await job(other, () => archive(other))).toBe(2);
  });
  expect(await job(other, () => archive(other))).toBe(1);
});

test("an event is in one of the two tables at any moment, also if it does not work out", async () => {
  await addFinished(5);
  const before = await where();
  await expect(
    job(client, async () => {
      expect(await archive()).toBe(5);
      expect(await where()).toEqual(before);
      throw new Error("changed my mind");
    }),
  ).rejects.toThrow("changed my mind");
  expect(await where()).toEqual(before);
  await job(client, () => archive());
  expect(await where()).toEqual({ queue: [], archive: before.queue });
});

test("a guest is erased from what is moved at the same moment", async () => {
  const guest = "11111111-1111-4111-8111-111111111111";
  await client.query(
    `begin; set local role authenticated; select set_config('app.restaurant_id', '${tenant}', true), set_config('app.pii.key', '${"ab".repeat(32)}', true);
     insert into public.customers (restaurant_id, id, full_name, email) values ('${tenant}', '${guest}', 'Ada', 'ada@guests.example'); commit`,
  );
  await addFinished(1, { customer_id: guest, email: "ada@guests.example" });
  await client.query("begin; set local role app_background; select tenancy.set_job('test')");
  expect(await archive()).toBe(1);
  // The eraser waits for the row that is being moved.
  const erased = job(other, () =>
    other.query("select pii.erase_customer($1, $2, without_values => true) as erased", [tenant, guest]),
  );
  await until(
    "the eraser waits",
    async () =>
      (
        await third.query(
          "select 1 from pg_stat_activity where query ~ 'pii.erase_customer' and wait_event_type = 'Lock'",
        )
      ).rowCount,
    (waiting) => waiting === 1,
  );
  await client.query("commit");
  expect((await erased).rows[0].erased).toMatchObject({ customers: 1 });
  const { rows } = await job(client, () =>
    client.query("select payload ->> 'email' as email from public.capacity_outbox_archive"),
  );
  expect(rows).toEqual([{ email: "[erased]" }]);
});

test("beside dispatchers and one another: every event arrives once", async () => {
  const events = 400;
  await addEvents(client, tenant, events);
  const work = async (who: typeof client) => {
    for (;;) {
      const { rows } = await job(who, () =>
        who.query(
          `with c as materialized (select * from outbox.claim('test', 25, 25))
           select array_agg(tenant) as tenants, array_agg(id) as ids, array_agg(token) as tokens from c`,
        ),
      );
      const [{ tenants, ids, tokens }] = rows;
      if (ids)
        await job(who, () =>
          who.query("select * from outbox.ack($1::uuid[], $2::bigint[], $3::bigint[])", [
            tenants,
            ids,
            tokens,
          ]),
        );
      const moved = await job(who, async () => {
        const { rows: answer } = await who.query(
          "select outbox.archive(older_than => '0', max_events => 7)::int as n",
        );
        return answer[0].n as number;
      });
      if (!ids && moved === 0) return;
    }
  };
  await Promise.all([work(client), work(other), work(third)]);
  // What one of them held as another looked.
  await work(client);
  const found = await where();
  expect(found.queue).toEqual([]);
  expect(new Set(found.archive).size).toBe(events);
});

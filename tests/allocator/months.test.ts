import { randomUUID } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { addTenants, job, until } from "../outbox/support/outbox.ts";
import { testDatabase } from "../support/database.ts";
import {
  addBookings,
  addHolds,
  addTables,
  asTenant,
  confirm,
  leftBehind,
  outcome,
  poolOf,
} from "./support/confirm.ts";

// What is true of holds and assignments over all months is true for those who come at the same moment, too.
const { client, url } = await testDatabase();
const pool = poolOf(url, 20);
const mover = await connect(url, { purpose: "test" });
afterAll(() => mover.end());
await client.query(
  `select partitions.fill(parent::regclass, starts_at, ends_at)
     from unnest(array['public.booking_table_assignments', 'public.table_holds']) as parent,
          partitions.periods('month', 'UTC', '2030-01-01Z', '2030-12-01Z')`,
);
const [tenant = "", neighbour = ""] = await addTenants(client, 2);

const move = (booking: string, to: string) =>
  mover.query("update public.bookings set booking_date = $1 where id = $2", [to, booking]);
const assign = (booking: string, table: string, on: string) =>
  asTenant(pool, tenant, (session) =>
    session.query(
      `insert into public.booking_table_assignments (restaurant_id, booking_id, table_id, booking_date, starts_at, ends_at)
       values ($1, $2, $3, $4, '2030-01-01 19:00Z', '2030-01-01 21:00Z')`,
      [tenant, booking, table, on],
    ),
  );
async function datesOf(booking: string): Promise<string[]> {
  const { rows } = await job(client, () =>
    client.query(
      "select booking_date::text || ' in ' || right(tableoid::regclass::text, 7) as at from public.booking_table_assignments where booking_id = $1 order by 1",
      [booking],
    ),
  );
  return rows.map(({ at }) => at);
}
const waiting = async () =>
  (
    await client.query(
      "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    )
  ).rowCount;
/** Moves a booking, and leaves the transaction open until the end of the work. */
async function whileMoving(booking: string, to: string, work: () => Promise<void>): Promise<void> {
  await mover.query("begin; set local role app_background; select tenancy.set_job('test')");
  await move(booking, to);
  await work();
  await mover.query("commit");
}

test("of many holds with one key, in any months, one is taken", async () => {
  const take = (of: string, month: number) =>
    asTenant(pool, of, (session) =>
      session.query(
        `insert into public.table_holds (restaurant_id, id, idempotency_key, booking_date, starts_at, ends_at, expires_at, created_at)
         values ($1, $2, 'the same', '2030-01-01', '2030-01-01 19:00Z', '2030-01-01 21:00Z', now(), make_timestamptz(2030, $3, 15, 12, 0, 0, 'UTC'))`,
        [of, randomUUID(), month],
      ),
    ).then(
      () => "taken",
      (error) => error.code,
    );
  for (const of of [tenant, neighbour]) {
    const outcomes = await Promise.all(Array.from({ length: 60 }, (_, n) => take(of, 1 + (n % 12))));
    expect(outcomes.filter((each) => each === "taken")).toHaveLength(1);
    expect(outcomes.filter((each) => each === "23505")).toHaveLength(59);
  }
});

test("who assigns a table to a booking that is being moved waits, and is told that its date is another", async () => {
  const [booking = ""] = await addBookings(client, tenant, 1);
  const [first = "", second = ""] = await addTables(client, tenant, 2);
  await assign(booking, first, "2030-01-01");
  let late: Promise<unknown> = Promise.resolve();
  await whileMoving(booking, "2030-03-03", async () => {
    late = assign(booking, second, "2030-01-01").catch((error) => error.code);
    await until("it waits", waiting, (count) => count === 1);
  });
  expect(await late).toBe("23503");
  expect(await datesOf(booking)).toEqual(["2030-03-03 in 2030_03"]);
});

test("who moves a booking that is being given a table waits, and takes that along", async () => {
  const [booking = ""] = await addBookings(client, tenant, 1);
  const [table = ""] = await addTables(client, tenant, 1);
  let moved: Promise<unknown> = Promise.resolve();
  await asTenant(pool, tenant, async (session) => {
    await session.query(
      `insert into public.booking_table_assignments (restaurant_id, booking_id, table_id, booking_date, starts_at, ends_at)
       values ($1, $2, $3, '2030-01-01', '2030-01-01 19:00Z', '2030-01-01 21:00Z')`,
      [tenant, booking, table],
    );
    moved = whileMoving(booking, "2030-05-05", async () => undefined);
    await until("it waits", waiting, (count) => count === 1);
  });
  await moved;
  expect(await datesOf(booking)).toEqual(["2030-05-05 in 2030_05"]);
});

test("a confirmation while its booking is moved has the date that the booking gets", async () => {
  const [booking = ""] = await addBookings(client, tenant, 1, 8);
  const tables = await addTables(client, tenant, 2);
  const holds = await addHolds(client, tenant, tables, { hour: 7 });
  let answer: Promise<unknown> = Promise.resolve();
  await whileMoving(booking, "2030-07-07", async () => {
    answer = outcome(confirm(pool, { tenant, booking, holds, key: randomUUID() }));
    await until("it waits", waiting, (count) => count === 1);
  });
  expect(await answer).toMatchObject({ assignment_ids: [expect.any(String), expect.any(String)] });
  expect(await datesOf(booking)).toEqual(["2030-07-07 in 2030_07", "2030-07-07 in 2030_07"]);
  expect(await leftBehind(client, tenant)).toMatchObject({ holds: 2 });
});

test("bookings moved to and fro by many at once: each assignment is where its booking is", async () => {
  const bookings = await addBookings(client, tenant, 10, 12);
  const tables = await addTables(client, tenant, 10);
  await Promise.all(bookings.map((booking, n) => assign(booking, tables[n] ?? "", "2030-01-01")));
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed;
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  const moves = Array.from({ length: 200 }, () => ({
    booking: bookings[random(bookings.length)],
    month: 1 + random(12),
    day: 1 + random(28),
  }));
  await Promise.all(
    moves.map(({ booking, month, day }) =>
      asTenant(pool, tenant, (session) =>
        session.query("update public.bookings set booking_date = make_date(2030, $1, $2) where id = $3", [
          month,
          day,
          booking,
        ]),
      ),
    ),
  );
  const { rows } = await job(client, () =>
    client.query(
      `select count(*)::int as all, count(*) filter (where a.booking_date = b.booking_date)::int as right
         from public.bookings as b join public.booking_table_assignments as a on a.restaurant_id = b.restaurant_id and a.booking_id = b.id
        where b.id = any ($1)`,
      [bookings],
    ),
  );
  expect(rows, `seed ${seed}`).toEqual([{ all: 10, right: 10 }]);
});

import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { addTenants, job, until } from "../outbox/support/outbox.ts";
import { testDatabase } from "../support/database.ts";
import {
  type Answer,
  addBookings,
  addHolds,
  addTables,
  asTenant,
  call,
  confirm,
  leftBehind,
  outcome,
  poolOf,
  type Request,
} from "./support/confirm.ts";

const { client, url } = await testDatabase();
const pool = poolOf(url, 20);
// All bookings are in a month that there is no partition for yet.
await client.query(
  "select partitions.fill('public.booking_table_assignments', '2030-01-01Z', '2030-02-01Z')",
);

/** Nth element; the tests below never ask for one that is not there. */
function at<T>(list: T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`there is no element ${index}`);
  return found;
}
const shuffled = <T>(list: T[]) =>
  list
    .map((element) => ({ element, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ element }) => element);
const winners = (outcomes: (Answer | string)[]) => outcomes.filter((o): o is Answer => typeof o !== "string");

/** How many confirmations wait for a lock. */
async function waiting(): Promise<number | null> {
  const { rowCount } = await client.query(
    "select from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'confirm_hold' and datname = current_database()",
  );
  return rowCount;
}

/** Whoever is told to come again does so, until there is an answer; `reasons` collects what they were told. */
async function settled(request: Request, reasons: string[] = []): Promise<Answer | string> {
  for (;;) {
    const confirmation = confirm(pool, request);
    const result = await outcome(confirmation);
    if (result !== "PT503") return result;
    await confirmation.catch(({ detail }) => reasons.push(detail));
    await pause(Math.random() * 50);
  }
}

test("a thousand confirmations at once: one winner for each table and time", async () => {
  const [tenant = ""] = await addTenants(client, 1);
  const requests: { kind: "same" | "ring" | "overlap"; request: Request }[] = [];
  const add = (kind: "same" | "ring" | "overlap", booking: string, holds: string[]) =>
    requests.push({ kind, request: { tenant, booking, holds, key: `${kind}-${requests.length}` } });
  const bookings = await addBookings(client, tenant, 1000);

  // Thirty bookings want the same hold, ten times.
  const sameHolds = await addHolds(client, tenant, await addTables(client, tenant, 10));
  for (let n = 0; n < 300; n++) add("same", at(bookings, n), [at(sameHolds, n % 10)]);
  // Each wants two neighbours of a ring of twenty, half of them the other way around.
  const ring = await addHolds(client, tenant, await addTables(client, tenant, 20));
  for (let n = 0; n < 400; n++) {
    const pair = [at(ring, n % 20), at(ring, (n + 1) % 20)];
    add("ring", at(bookings, 300 + n), n % 40 < 20 ? pair : pair.reverse());
  }
  // Thirty holds that have not taken their table, at hours that overlap, for each of ten tables.
  const contested = await addTables(client, tenant, 10);
  for (let n = 0; n < 300; n++) {
    const [hold = ""] = await addHolds(client, tenant, [at(contested, n % 10)], {
      allocated: false,
      hour: n % 3 === 0 ? 18 : 19,
    });
    add("overlap", at(bookings, 700 + n), [hold]);
  }

  const reasons: string[] = [];
  const outcomes = await Promise.all(
    shuffled(requests).map(async ({ kind, request }) => ({
      kind,
      request,
      result: await settled(request, reasons),
    })),
  );

  const lost = outcomes.map(({ result }) => result).filter((result) => typeof result === "string");
  expect(new Set(lost)).toEqual(new Set(["PT409"]));
  const won = (kind: string) =>
    outcomes.filter(({ kind: other, result }) => other === kind && typeof result !== "string");
  expect(
    won("same")
      .map(({ request }) => at(request.holds, 0))
      .sort(),
  ).toEqual([...sameHolds].sort());
  expect(won("overlap")).toHaveLength(10);
  // In the ring no hold went twice, and no two neighbours are left over: somebody would have got them.
  const taken = won("ring").flatMap(({ request }) => request.holds);
  expect(new Set(taken).size).toBe(taken.length);
  const left = ring.map((hold) => !taken.includes(hold));
  expect(left.filter((free, n) => free && left[(n + 1) % 20])).toEqual([]);

  const tables = won("same").length + 2 * won("ring").length + won("overlap").length;
  const answers = won("same").length + won("ring").length + won("overlap").length;
  expect(await leftBehind(client, tenant)).toEqual({
    assignments: tables,
    allocations: tables,
    ledger: tables,
    events: tables,
    answers,
    holds: tables,
  });
  const { rows } = await job(client, () =>
    client.query(
      `select count(*)::int as double_bookings
       from public.booking_table_assignments as a
       join public.booking_table_assignments as b using (restaurant_id, table_id)
       where a.id < b.id and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)`,
    ),
  );
  expect(rows).toEqual([{ double_bookings: 0 }]);
  expect(reasons.filter((reason) => reason.includes("40P01"))).toEqual([]);
});

test("one request twenty times at once is done once, and all get the first answer", async () => {
  const [tenant = ""] = await addTenants(client, 1);
  const [booking = ""] = await addBookings(client, tenant, 1);
  const holds = await addHolds(client, tenant, await addTables(client, tenant, 3));
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => settled({ tenant, booking, holds: shuffled(holds), key: "once" })),
  );
  expect(at(winners(answers), 0).assignment_ids).toHaveLength(3);
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(await leftBehind(client, tenant)).toEqual({
    assignments: 3,
    allocations: 3,
    ledger: 3,
    events: 3,
    answers: 1,
    holds: 3,
  });
});

test("twenty requests with one key: one is confirmed, the others are told that the key is taken", async () => {
  const [tenant = ""] = await addTenants(client, 1);
  const bookings = await addBookings(client, tenant, 20);
  const holds = await addHolds(client, tenant, await addTables(client, tenant, 20));
  const outcomes = await Promise.all(
    bookings.map((booking, n) => settled({ tenant, booking, holds: [at(holds, n)], key: "shared" })),
  );
  expect(winners(outcomes)).toHaveLength(1);
  expect(outcomes.filter((result) => result === "PT422")).toHaveLength(19);
  expect(await leftBehind(client, tenant)).toMatchObject({ assignments: 1, answers: 1, events: 1, holds: 1 });
});

test("two tenants with the same keys do not meet", async () => {
  const tenants = await addTenants(client, 2);
  const requests: Request[] = [];
  for (const tenant of tenants) {
    const bookings = await addBookings(client, tenant, 50);
    const holds = await addHolds(client, tenant, await addTables(client, tenant, 50));
    bookings.forEach((booking, n) => {
      requests.push({ tenant, booking, holds: [at(holds, n)], key: `key-${n}` });
    });
  }
  const outcomes = await Promise.all(shuffled(requests).map((request) => settled(request)));
  expect(winners(outcomes)).toHaveLength(100);
  expect(new Set(winners(outcomes).flatMap((answer) => answer.assignment_ids)).size).toBe(100);
  for (const tenant of tenants) {
    expect(await leftBehind(client, tenant)).toMatchObject({ assignments: 50, answers: 50, events: 50 });
  }
});

test("the same holds in another order: one waits for the other, without a deadlock", async () => {
  const [tenant = ""] = await addTenants(client, 1);
  const [one = "", two = ""] = await addBookings(client, tenant, 2);
  const [a = "", b = "", c = ""] = await addHolds(client, tenant, await addTables(client, tenant, 3));
  // Were they locked as they come, the first would have a and wait for c, the second have b and wait for c, and then for each other.
  const both = await asTenant(pool, tenant, async (holder) => {
    await holder.query("select from public.table_holds where id = $1 for update", [c]);
    const confirmations = [
      outcome(confirm(pool, { tenant, booking: one, holds: [a, c, b], key: "one" })),
      outcome(confirm(pool, { tenant, booking: two, holds: [b, c, a], key: "two" })),
    ];
    await until("both wait", waiting, (count) => count === 2);
    return { confirmations };
  });
  const outcomes = await Promise.all(both.confirmations);
  expect(winners(outcomes)).toHaveLength(1);
  expect(outcomes).toContain("PT409");
});

test("locks that are not given free, and snapshots that are too old, are retryable", async () => {
  const [tenant = ""] = await addTenants(client, 1);
  const [booking = "", rival = ""] = await addBookings(client, tenant, 2);
  const holds = await addHolds(client, tenant, await addTables(client, tenant, 1));
  const request = { tenant, booking, holds, key: "patient" };

  // Each of the locks, those on tables too: they keep inserts out of each other's way.
  const locked = ["bookings", "table_holds", "restaurant_tables"];
  const tenants = await addTenants(client, locked.length);
  const requests: Request[] = [];
  for (const other of tenants) {
    const [theirs = ""] = await addBookings(client, other, 1);
    const theirHolds = await addHolds(client, other, await addTables(client, other, 1));
    requests.push({ tenant: other, booking: theirs, holds: theirHolds, key: "patient" });
  }
  const failures = await Promise.all(
    requests.map((refused, n) =>
      asTenant(pool, refused.tenant, async (holder) => {
        await holder.query(`select from public.${at(locked, n)} for no key update`);
        return confirm(pool, refused).catch((error) => error);
      }),
    ),
  );
  for (const failure of failures) {
    expect(failure).toMatchObject({ code: "PT503", message: "retryable" });
    expect(failure.detail).toContain("(55P03)");
  }

  const late = await asTenant(
    pool,
    tenant,
    async (old) => {
      await old.query("select count(*) from public.table_holds");
      await confirm(pool, request);
      const again = await outcome(call(old, { ...request, booking: rival, key: "old" }));
      await old.query("rollback; begin");
      return again;
    },
    "begin isolation level repeatable read",
  );
  expect(late).toBe("PT503");
  expect(await outcome(confirm(pool, { ...request, booking: rival, key: "old" }))).toBe("PT409");
});

test.each([
  ["is released", "update public.table_holds set status = 'released'"],
  ["expires", "select pg_sleep_until(expires_at) from public.table_holds"],
])("a hold that %s while the confirmation waits for it is not confirmed", async (_, happening) => {
  const [tenant = ""] = await addTenants(client, 1);
  const [booking = ""] = await addBookings(client, tenant, 1);
  const holds = await addHolds(client, tenant, await addTables(client, tenant, 1));
  const late = await asTenant(pool, tenant, async (other) => {
    await other.query("select from public.table_holds for update");
    const confirmation = outcome(confirm(pool, { tenant, booking, holds, key: "late" }));
    await until("it waits", waiting, (count) => count === 1);
    await other.query(
      "update public.table_holds set expires_at = clock_timestamp() + interval '0.2 seconds'",
    );
    await other.query(happening);
    return { confirmation };
  });
  expect(await late.confirmation).toBe("PT409");
  expect(await leftBehind(client, tenant)).toMatchObject({ assignments: 0, events: 0, holds: 0 });
});

test("what is rolled back around it leaves nothing, and the key is free again", async () => {
  const [tenant = ""] = await addTenants(client, 1);
  const [booking = ""] = await addBookings(client, tenant, 1);
  const holds = await addHolds(client, tenant, await addTables(client, tenant, 2));
  const request = { tenant, booking, holds, key: "undone" };
  const cut = await connect(url, { purpose: "test" });
  await cut.query("begin; set local role authenticated");
  await cut.query("select public.set_restaurant_context($1)", [tenant]);
  expect((await call(cut, request)).assignment_ids).toHaveLength(2);
  // The connection ends in mid-transaction.
  await cut.end();
  await until(
    "nothing is left",
    () => leftBehind(client, tenant),
    (left) => Object.values(left).every((count) => count === 0),
  );
  expect((await confirm(pool, request)).assignment_ids).toHaveLength(2);
});

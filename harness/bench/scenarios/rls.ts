import { deepStrictEqual, notDeepStrictEqual } from "node:assert";
import type { Client, PoolClient, QueryResult } from "pg";
import { claimsSetting } from "../../client/context-settings.ts";
import { withTenant } from "../../client/with-tenant.ts";
import { readSqlFile } from "../../sql/sql-file.ts";
import type { Comparison, Scenario, Side } from "../scenario.ts";

interface State {
  client: Client;
  restaurants: Restaurant[];
}

interface Restaurant {
  id: string;
  /** Ids of some of its bookings. */
  bookings: string[];
}

/** What a round is about: the same for both sides, another one in each round. */
interface Subject {
  restaurant: string;
  booking: string;
  /** An id that no booking has. */
  newBooking: number;
}

type Statement = (subject: Subject) => { text: string; values: unknown[] };

const scenario: Scenario<State> = {
  title: "what row security costs",
  description:
    "A statement with the restaurant in its WHERE, as the owner whom no policy binds, against the same statement without it, as " +
    "authenticated under tenancy.protect(). Both sides switch the role and set the claims first and roll back afterwards, outside of " +
    "the figures; `transaction` is the whole of it, with and without withTenant.",
  database: true,

  async setup(stage) {
    const { client } = await stage.createDatabase();
    const [restaurants, rows] = stage.quick ? ["5", "500"] : ["200", "200000"];
    await client.query(
      "select set_config('bench.restaurants', $1, false), set_config('bench.rows', $2, false)",
      [restaurants, rows],
    );
    await client.query(readSqlFile("harness/bench/scenarios/rls.sql").text);
    await client.query("vacuum (analyze) bench.bookings");
    deepStrictEqual([await isBound(client, "none"), await isBound(client, "authenticated")], [false, true]);
    const found = await client.query<Restaurant>(
      `select restaurant_id as id, (array_agg(id order by id))[1:20] as bookings
         from bench.bookings group by restaurant_id order by restaurant_id`,
    );
    return { client, restaurants: found.rows };
  },

  comparisons: {
    count: compare(
      "how many bookings a restaurant has",
      ({ restaurant }) => ({
        text: "select count(*) from bench.bookings where restaurant_id = $1",
        values: [restaurant],
      }),
      () => ({ text: "select count(*) from bench.bookings", values: [] }),
    ),
    list: compare(
      "its latest 50",
      ({ restaurant }) => ({
        text: "select * from bench.bookings where restaurant_id = $1 order by created_at desc limit 50",
        values: [restaurant],
      }),
      () => ({ text: "select * from bench.bookings order by created_at desc limit 50", values: [] }),
    ),
    point: compare("one of them", pointSelect, ({ booking }) => ({
      text: "select * from bench.bookings where id = $1",
      values: [booking],
    })),
    insert: compare("a new one", insert, insert),
    update: compare(
      "a change to one",
      ({ restaurant, booking }) => ({
        text: "update bench.bookings set status = 'seated' where restaurant_id = $1 and id = $2 returning *",
        values: [restaurant, booking],
      }),
      ({ booking }) => ({
        text: "update bench.bookings set status = 'seated' where id = $1 returning *",
        values: [booking],
      }),
    ),
    transaction: {
      title: "a whole transaction that reads one booking",
      async prepare(state) {
        await proveAlike(state, this);
      },
      baseline: {
        label: "explicit WHERE",
        async run({ client, restaurants }, round) {
          const { text, values } = pointSelect(subjectOf(restaurants, round));
          await client.query("begin");
          const result = await client.query(text, values);
          await client.query("commit");
          return result;
        },
      },
      candidate: {
        label: "policies",
        run({ client, restaurants }, round) {
          const { restaurant, booking } = subjectOf(restaurants, round);
          const pool = {
            connect: async () => Object.assign(client, { release: () => undefined }) as PoolClient,
          };
          return withTenant(pool, { claims: { activeRestaurantId: restaurant } }, (tenant) =>
            tenant.query("select * from bench.bookings where id = $1", [booking]),
          );
        },
      },
    },
  },
};
export default scenario;

function pointSelect({ restaurant, booking }: Subject) {
  return {
    text: "select * from bench.bookings where restaurant_id = $1 and id = $2",
    values: [restaurant, booking],
  };
}

function insert({ restaurant, newBooking }: Subject) {
  return {
    text: `insert into bench.bookings (restaurant_id, id, guest, party_size, created_at)
           values ($1, $2, 'A. Guest', 2, '2027-01-01') returning *`,
    values: [restaurant, newBooking],
  };
}

function compare(title: string, explicit: Statement, policies: Statement): Comparison<State> {
  const comparison: Comparison<State> = {
    title,
    prepare: (state) => proveAlike(state, comparison),
    // `none` is the session's own role.
    baseline: side("explicit WHERE", "none", explicit),
    candidate: side("policies", "authenticated", policies),
  };
  return comparison;
}

function side(label: string, role: string, statement: Statement): Side<State> {
  return {
    label,
    async before({ client, restaurants }, round) {
      const claims = JSON.stringify({ activeRestaurantId: subjectOf(restaurants, round).restaurant });
      await client.query("begin");
      await client.query("select set_config('role', $1, true), set_config($2, $3, true)", [
        role,
        claimsSetting,
        claims,
      ]);
    },
    run({ client, restaurants }, round) {
      const { text, values } = statement(subjectOf(restaurants, round));
      return client.query(text, values);
    },
    after: ({ client }) => client.query("rollback"),
  };
}

/** Goes through the restaurants first, so that each round meets pages that the last ones have not touched. */
function subjectOf(restaurants: readonly Restaurant[], round: number): Subject {
  const { id = "", bookings = [] } = restaurants[round % restaurants.length] ?? {};
  const booking = bookings[Math.floor(round / restaurants.length) % bookings.length] ?? "";
  return { restaurant: id, booking, newBooking: 1_000_000_000 + round };
}

async function isBound(client: Client, role: string): Promise<boolean> {
  await client.query("begin");
  await client.query("select set_config('role', $1, true)", [role]);
  const { rows } = await client.query("select row_security_active('bench.bookings') as active");
  await client.query("rollback");
  return rows[0].active;
}

/** Figures of two sides that answer differently would compare nothing. */
async function proveAlike(state: State, { baseline, candidate }: Comparison<State>): Promise<void> {
  for (let round = 0; round < 5; round++) {
    const expected = await answer(state, baseline, round);
    notDeepStrictEqual(expected.rows, []);
    deepStrictEqual((await answer(state, candidate, round)).rows, expected.rows);
  }
}

async function answer(state: State, side: Side<State>, round: number): Promise<QueryResult> {
  await side.before?.(state, round);
  const result = (await side.run(state, round)) as QueryResult;
  await side.after?.(state, round);
  return result;
}

import { deepStrictEqual } from "node:assert";
import { randomBytes } from "node:crypto";
import type { Client } from "pg";
import { sealTable } from "../../pii/seal.ts";
import { asJob, asOwner } from "../../pii/session.ts";
import type { ProtectedTable } from "../../pii/tables.ts";
import { readSqlFile } from "../../sql/sql-file.ts";
import type { Scenario, Side, Stage } from "../scenario.ts";

interface State {
  stage: Stage;
  client: Client;
  /** The connections of the backfill. */
  clients: Client[];
  key: string;
  rows: number;
  /** Default pgp_sym_encrypt is so slow that fewer have to do. */
  pgpRows: number;
  /** Whom to look up, once there are a million. */
  guests: Guest[];
}

interface Guest {
  restaurant: string;
  email: string;
  name: string;
}

const batchRows = 2_000;
const customers: ProtectedTable = { table: "public.customers", phase: "expand", since: new Date(0) };

const guestOf = ({ guests }: State, round: number): Guest =>
  guests[round % guests.length] ?? { restaurant: "", email: "", name: "" };

const plainLookUp: Side<State> = {
  label: "plain index, no row security",
  before: ({ client }) => client.query("begin"),
  run(state, round) {
    const { restaurant, email } = guestOf(state, round);
    return state.client.query("select full_name from bench.guests where restaurant_id = $1 and email = $2", [
      restaurant,
      email,
    ]);
  },
  after: ({ client }) => client.query("rollback"),
};

const blindLookUp: Side<State> = {
  label: "blind index, row security",
  async before(state, round) {
    await state.client.query("begin");
    await state.client.query(
      "select set_config('app.pii.key', $1, true), set_config('app.restaurant_id', $2, true), set_config('role', 'authenticated', true)",
      [state.key, guestOf(state, round).restaurant],
    );
  },
  run: (state, round) =>
    state.client.query("select full_name from public.find_customers_by_email($1)", [
      guestOf(state, round).email,
    ]),
  after: ({ client }) => client.query("rollback"),
};

async function answer(state: State, side: Side<State>, round: number): Promise<unknown> {
  await side.before?.(state, round);
  const result = (await side.run(state, round)) as { rows: unknown };
  await side.after?.(state, round);
  return result.rows;
}

/** So many rows in one statement, into an empty table. */
function insertInto(table: string, label: string, rowsOf: (state: State) => number): Side<State> {
  return {
    label,
    async before({ client, key }) {
      await client.query(`truncate bench.${table}`);
      await client.query("begin");
      await client.query(
        "select tenancy.set_job('bench'), set_config('app.pii.key', $1, true), set_config('role', 'app_background', true)",
        [key],
      );
    },
    run: (state) =>
      state.client.query(
        `insert into bench.${table} (restaurant_id, id, full_name, email, phone)
         select restaurant_id, id, full_name, email, phone from bench.source where n <= $1 order by n`,
        [rowsOf(state)],
      ),
    after: ({ client }) => client.query("commit"),
  };
}

/** What was inserted opens, and is what went in. */
async function proveSealed(state: State): Promise<void> {
  const side = insertInto("sealed", "sealed", () => 100);
  await side.before?.(state, 0);
  await side.run(state, 0);
  await side.after?.(state, 0);
  const { rows } = await asJob(state.client, "read only", { key: state.key }, () =>
    state.client.query("select checked, damaged, differing from pii.check_batch('bench.sealed', 1000)"),
  );
  deepStrictEqual(rows, [{ checked: Math.min(100, state.rows), damaged: 0, differing: 0 }]);
}

/** Customers as they were before there was a trigger, and then something done to all of them. */
function backfill(label: string, run: (state: State) => Promise<void>): Side<State> {
  return {
    label,
    async before({ client }) {
      await client.query(
        "truncate public.customers cascade; alter table public.customers disable trigger user",
      );
      await asJob(client, "read write", {}, () =>
        client.query(
          "insert into public.customers (restaurant_id, id, full_name, email, phone) select restaurant_id, id, full_name, email, phone from bench.source",
        ),
      );
      await client.query("alter table public.customers enable trigger user; analyze public.customers");
    },
    run,
  };
}

async function updatePlain(client: Client, first: number, end: number): Promise<void> {
  for (let from = first; from < end; from += batchRows) {
    await asJob(client, "read write", {}, () =>
      client.query(
        `update public.customers as c set updated_at = now() from bench.source as s
          where c.restaurant_id = s.restaurant_id and c.id = s.id and s.n > $1 and s.n <= $2`,
        [from, Math.min(from + batchRows, end)],
      ),
    );
  }
}

const scenario: Scenario<State> = {
  title: "what PII protection costs",
  description:
    "Inserts of one statement, three protected fields a row, as a background job with the key set; the plain table has the indexes that the sealed one has as blind " +
    "indexes. BEGIN, role, key and the emptying of the tables are not in the figures. backfill seals customers (two fields) through the function that harness pii backfill calls, on " +
    "two connections, against UPDATEs of the same rows in the same batches; it contains the counts before and after. look-up is one statement as authenticated, key set, against the same " +
    "question to a plain indexed table as the owner, whom no policy binds; of the million rows 2,000 are sealed by the trigger and the others hold random indexes.",
  database: true,

  async setup(stage) {
    const { client, connect } = await stage.createDatabase();
    const rows = stage.quick ? 200 : 20_000;
    await client.query("select set_config('bench.rows', $1, false)", [String(rows)]);
    await client.query(readSqlFile("harness/bench/scenarios/pii.sql").text);
    await client.query("vacuum (analyze) bench.source");
    const key = randomBytes(32).toString("hex");
    const pgpRows = stage.quick ? 20 : 1_000;
    return { stage, client, clients: [client, await connect()], key, rows, pgpRows, guests: [] };
  },

  comparisons: {
    insert: {
      title: "20,000 rows with three fields",
      prepare: (state) => proveSealed(state),
      baseline: insertInto("plain", "plain", ({ rows }) => rows),
      candidate: insertInto("sealed", "sealed", ({ rows }) => rows),
    },
    pgp: {
      title: "1,000 rows with three fields",
      baseline: insertInto("pgp", "pgp_sym_encrypt", ({ pgpRows }) => pgpRows),
      candidate: insertInto("sealed", "sealed", ({ pgpRows }) => pgpRows),
    },
    backfill: {
      title: "20,000 rows sealed in batches of 2,000, two connections",
      baseline: backfill("plain UPDATE", async ({ clients, rows }) => {
        const half = Math.ceil(rows / 2);
        await Promise.all(clients.map((client, n) => updatePlain(client, n * half, (n + 1) * half)));
      }),
      candidate: backfill("backfill", async ({ clients, key, rows }) => {
        const options = { batch: batchRows, onRows: () => undefined };
        const { changed, left } = await sealTable(clients, customers, { key }, options);
        deepStrictEqual({ changed, left }, { changed: rows, left: 0 });
      }),
    },
    "look-up": {
      title: "a guest by e-mail address, among a million",
      async prepare(state) {
        const { client, key, stage } = state;
        await client.query("truncate public.customers cascade");
        await client.query(
          "select set_config('bench.rows', $1, false), set_config('bench.sealed', $2, false)",
          stage.quick ? ["2000", "50"] : ["1000000", "2000"],
        );
        const { text } = readSqlFile("harness/bench/scenarios/pii-look-up.sql");
        const limits = { statementTimeoutMs: 15 * 60_000 };
        await asOwner(client, "read write", { key }, () => client.query(text), limits);
        await client.query("vacuum (analyze) public.customers, bench.guests");
        state.guests = (
          await client.query<Guest>(
            `select restaurant_id as restaurant, email, full_name as name from bench.guests
              where n <= current_setting('bench.sealed')::integer order by n`,
          )
        ).rows;
        for (let round = 0; round < 5; round++) {
          const expected = [{ full_name: guestOf(state, round).name }];
          deepStrictEqual(await answer(state, plainLookUp, round), expected);
          deepStrictEqual(await answer(state, blindLookUp, round), expected);
        }
      },
      baseline: plainLookUp,
      candidate: blindLookUp,
    },
  },
};
export default scenario;

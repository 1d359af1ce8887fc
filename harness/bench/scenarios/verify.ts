import { deepStrictEqual, match } from "node:assert";
import { join } from "node:path";
import pg, { type Client } from "pg";
import { loadConfig, requireIsolation } from "../../config/load.ts";
import type { Isolation } from "../../config/schema.ts";
import { packageRoot } from "../../core/project.ts";
import { loadModel } from "../../isolation/model.ts";
import { readSqlFile } from "../../sql/sql-file.ts";
import { type Verification, verify } from "../../verify/engine.ts";
import type { Comparison, Scenario, Stage } from "../scenario.ts";
import { Clock } from "./verify/clock.ts";

interface State {
  stage: Stage;
  /** What to verify, by name of the comparison. */
  sites: Map<string, Site>;
}

interface Site {
  client: Client;
  connect(): Promise<Client>;
  schema: string;
  isolation: Isolation;
  clock: Clock;
}

const scenario: Scenario<State> = {
  title: "what harness verify takes beyond the bare probes",
  description:
    "The engine in the process, from reading the catalogue to the last result, with a second connection from 200 tables on, against one script that " +
    "asks the same of every table and reports nothing.",
  database: true,
  setup: async (stage) => ({ stage, sites: new Map() }),
  comparisons: {
    reference: compare("reference", "the reference platform", async ({ client }, isolation) => {
      const { rows } = await client.query("select to_regclass('public.bookings') is not null as there");
      deepStrictEqual(rows, [{ there: true }]);
      return { schema: "public", isolation };
    }),
    "100-tables": compare("100-tables", "100 synthetic tables", synthetic(100)),
    "1000-tables": compare("1000-tables", "1,000 synthetic tables", synthetic(1_000)),
    growth: {
      title: "10,000 tables against 1,000",
      long: true,
      prepare: async (state) => {
        for (const count of [1_000, 10_000]) await build(state, String(count), synthetic(count));
      },
      baseline: { label: "1,000 tables", run: ({ sites }) => engine(sites.get("1000") as Site) },
      candidate: { label: "10,000 tables", run: ({ sites }) => engine(sites.get("10000") as Site) },
      notes: ({ sites }) => (sites.get("10000") as Site).clock.notes(),
    },
  },
};
export default scenario;

type Furnish = (
  site: { client: Client; quick: boolean },
  isolation: Isolation,
) => Promise<Pick<Site, "schema" | "isolation">>;

function compare(name: string, title: string, furnish: Furnish): Comparison<State> {
  const siteOf = ({ sites }: State) => sites.get(name) as Site;
  return {
    title,
    prepare: async (state) => proveAlike(await build(state, name, furnish)),
    baseline: { label: "bare SQL", run: (state) => bareProbes(siteOf(state)) },
    candidate: { label: "engine", run: (state) => engine(siteOf(state)) },
    notes: (state) => siteOf(state).clock.notes(),
  };
}

async function build({ stage, sites }: State, name: string, furnish: Furnish): Promise<Site> {
  const { client, connect } = await stage.createDatabase();
  const configured = requireIsolation(loadConfig(join(packageRoot, "harness.config.json")));
  const furnished = await furnish({ client, quick: stage.quick }, configured);
  await client.query("analyze");
  const clock = new Clock();
  clock.watch(client);
  const another = async () => {
    const second = await connect();
    clock.watch(second);
    return second;
  };
  const site = { client, connect: another, clock, ...furnished };
  sites.set(name, site);
  return site;
}

/** So many tables of a hundred a batch, since a transaction holds locks for each part of a table. */
function synthetic(count: number): Furnish {
  return async ({ client, quick }, isolation) => {
    const tables = quick ? count / 50 : count;
    const sql = readSqlFile("harness/bench/scenarios/verify/tables.sql").text;
    for (let first = 1; first <= tables; first += 100) {
      const last = Math.min(first + 99, tables);
      await client.query(`set bench.first = ${first}; set bench.last = ${last}`);
      await client.query(sql);
    }
    return { schema: "bench", isolation: { ...isolation, schemas: ["bench"], tables: {}, exempt: {} } };
  };
}

async function engine({ client, connect, isolation, clock }: Site): Promise<Verification> {
  const model = await clock.time("model", () => loadModel(client, isolation));
  return verify(client, model, { connect });
}

/** What leaks, one thing a line; empty if nothing does. Two transactions, as the engine has them. */
async function bareProbes({ client, schema }: Site): Promise<string> {
  const sql = readSqlFile("harness/bench/scenarios/verify/bare-probes.sql").text;
  let failures = "";
  for (const acts of ["on", "off"]) {
    const begin = `begin; set local bare.schema = ${pg.escapeLiteral(schema)}; set local bare.acts = '${acts}';`;
    await client.query(`${begin} ${sql}`);
    const { rows } = await client.query("select current_setting('bare.failures') as failures");
    failures += rows[0].failures;
    await client.query("rollback");
  }
  return failures;
}

/** Both find nothing where nothing is wrong, and both find the table that is wrong. */
async function proveAlike(site: Site): Promise<void> {
  const failed = async () =>
    (await engine(site)).results.filter(({ outcome }) => outcome === "fail" || outcome === "error");
  deepStrictEqual(await failed(), []);
  deepStrictEqual(await bareProbes(site), "");
  const { tables } = await loadModel(site.client, site.isolation);
  const [{ relation } = { relation: "" }] = tables;
  const named = new RegExp(relation.replace(/^public\./, ""));
  await site.client.query(`alter table ${relation} disable row level security`);
  match((await failed()).map(({ object }) => object).join(), named);
  match(await bareProbes(site), named);
  await site.client.query(`alter table ${relation} enable row level security`);
  site.clock.reset();
}

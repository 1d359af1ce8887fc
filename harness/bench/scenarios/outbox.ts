import { equal } from "node:assert";
import type { Comparison, Scenario, Side } from "../scenario.ts";
import { churn } from "./outbox/churn.ts";
import { drainByDispatcher, drainInOrder } from "./outbox/drain.ts";
import { claimsUntilServed } from "./outbox/fairness.ts";
import { type noises, quietTenantWaits } from "./outbox/neighbours.ts";
import * as peers from "./outbox/peers.ts";
import {
  type Churned,
  type Design,
  enter,
  fairClaim,
  orderedClaim,
  queueOf,
  type State,
} from "./outbox/queues.ts";

const scenario: Scenario<State> = {
  title: "claims from a backlog",
  description:
    "The plan's indexes, (status, next_attempt_at) and one for duplicates without the tenant, with claims in the order of time, against " +
    "outbox.claim(). 1,000 tenants, one of which has half of everything; batches of 100. Begin, role, job and commit are not in the " +
    "figures, unless a comparison says so.",
  database: true,

  async setup(stage) {
    const database = await stage.createDatabase();
    return { database, client: database.client, quick: stage.quick, queues: new Set(), churned: new Map() };
  },

  comparisons: {
    dispatcher: claimComparison(100_000),
    "dispatcher-1m": { ...claimComparison(1_000_000), long: true },
    "dispatcher-10m": { ...claimComparison(10_000_000), long: true },
    tenant: tenantComparison(100_000),
    "tenant-1m": { ...tenantComparison(1_000_000), long: true },
    "tenant-10m": { ...tenantComparison(10_000_000), long: true },
    growth: growthComparison(1_000_000),
    "growth-10m": growthComparison(10_000_000),
    "held-xmin": heldComparison(20_000, "fair"),
    "held-xmin-plan": heldComparison(20_000, "plan"),
    "held-xmin-100k": { ...heldComparison(100_000, "fair"), long: true },
    "held-xmin-100k-plan": { ...heldComparison(100_000, "plan"), long: true },
    fairness: {
      title: "claims until a tenant with 1 % of the backlog has been served",
      unit: "claims",
      baseline: { label: "alone", run: (state) => claimsUntilServed(state, 0) },
      candidate: { label: "beside 99 %", run: (state) => claimsUntilServed(state, 99) },
    },
    "beside-hanging": neighbourComparison("hang", "whose handlers never return"),
    "beside-failing": neighbourComparison("fail", "whose handlers fail"),
    "beside-slow": neighbourComparison("dawdle", "whose handlers take a second"),
    "beside-flood": neighbourComparison("flood", "whose handlers do nothing"),
    "end-to-end": {
      title: "a job from claim to acknowledgement, commits included",
      unit: "µs/job",
      baseline: { label: "bare loop in order of time", run: (state) => drainInOrder(state) },
      candidate: { label: "the dispatcher, fair", run: (state) => drainByDispatcher(state) },
    },
    "graphile-worker": {
      title: "20,000 jobs of 1,000 tenants that do nothing, from the start of a worker until all are done",
      needs: "graphile-worker",
      unit: "µs/job",
      baseline: {
        label: "graphile-worker, batch mode",
        before: peers.addToGraphileWorker,
        run: peers.drainByGraphileWorker,
      },
      candidate: { label: "the dispatcher, fair", before: peers.addEvents, run: peers.drainByDispatcher },
    },
    "pg-boss": {
      title: "20,000 jobs of 1,000 tenants that do nothing, from the start of a worker until all are done",
      needs: "pg-boss",
      unit: "µs/job",
      baseline: {
        label: "pg-boss, fetch and complete",
        before: peers.addToPgBoss,
        run: peers.drainByPgBoss,
      },
      candidate: { label: "the dispatcher, fair", before: peers.addEvents, run: peers.drainByDispatcher },
    },
  },
};
export default scenario;

/** Each claim is committed, so that the next finds the next events and what is left of the last. */
function claimSide(design: Design, rows: number, label: string): Side<State> {
  return {
    label,
    before: async ({ client }) => enter(client, "app_background"),
    async run(state) {
      const queue = await queueOf(state, design, rows);
      const { rowCount } = await (design === "plan" ? orderedClaim : fairClaim)(state.client, queue, 100);
      // More rounds than there are events would measure claims that find nothing.
      if (!state.quick) equal(rowCount, 100);
    },
    after: ({ client }) => client.query("commit"),
  };
}

function claimComparison(rows: number): Comparison<State> {
  return {
    title: `a claim of 100, fair against in order of time; ${rows.toLocaleString("en")} waiting`,
    async prepare(state) {
      await queueOf(state, "plan", rows);
      await queueOf(state, "fair", rows);
    },
    baseline: claimSide("plan", rows, "plan's index, in order"),
    candidate: claimSide("fair", rows, "outbox.claim, fair"),
  };
}

function neighbourComparison(noise: keyof typeof noises, what: string): Comparison<State> {
  return {
    title: `until a tenant's 500 events are delivered, 5 ms each, beside a tenant with 5,000 ${what}`,
    unit: "ms",
    baseline: { label: "alone", run: (state) => quietTenantWaits(state, null) },
    candidate: { label: `beside one ${what}`, run: (state) => quietTenantWaits(state, noise) },
  };
}

function growthComparison(rows: number): Comparison<State> {
  return {
    title: `a fair claim of 100, 100,000 waiting against ${rows.toLocaleString("en")}`,
    long: true,
    async prepare(state) {
      await queueOf(state, "fair", 100_000);
      await queueOf(state, "fair", rows);
    },
    baseline: claimSide("fair", 100_000, "100,000"),
    candidate: claimSide("fair", rows, rows.toLocaleString("en")),
  };
}

function tenantComparison(rows: number): Comparison<State> {
  const side = (design: Design, label: string): Side<State> => ({
    label,
    // A tenant with 0.05 % of all, another one each time.
    before: ({ client }, round) => enter(client, "authenticated", `tenant ${1 + (round % 999)}`),
    async run(state) {
      const queue = await queueOf(state, design, rows);
      return state.client.query(
        `select * from ${queue} where status = 'pending' and next_attempt_at <= now() order by next_attempt_at, id limit 100`,
      );
    },
    after: ({ client }) => client.query("rollback"),
  });
  return {
    title: `a small tenant's own next 100 under row security; ${rows.toLocaleString("en")} waiting`,
    async prepare(state) {
      await queueOf(state, "plan", rows);
      await queueOf(state, "fair", rows);
    },
    baseline: side("plan", "plan's index"),
    candidate: side("fair", "dispatch index"),
  };
}

/** What is compared is the end of one run with its beginning; the samples are taken in `prepare`. */
function heldComparison(jobs: number, design: Design): Comparison<State> {
  const key = `${design}-${jobs}`;
  const sample = (which: keyof Churned): Side<State>["run"] => {
    return async ({ churned }, round) => {
      const samples = churned.get(key)?.[which] ?? [];
      return samples[round % samples.length];
    };
  };
  return {
    title: `a claim of 100 while a transaction holds back VACUUM, before and after ${jobs.toLocaleString("en")} jobs`,
    unit: "ms",
    async prepare(state) {
      const queue = await queueOf(state, design, 10_000, `_held_${jobs}`);
      state.churned.set(key, await churn(state, design, queue, state.quick ? 2_000 : jobs));
    },
    baseline: { label: "first claims", run: sample("first") },
    candidate: { label: "last claims", run: sample("last") },
    notes: ({ churned }) => ({
      design: design === "plan" ? "plan's index, in order" : "outbox.claim, fair",
      "p50 by tenth": (churned.get(key)?.tenths ?? []).map((ms) => ms.toFixed(2)).join(" "),
    }),
  };
}

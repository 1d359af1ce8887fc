import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { keyOf } from "../../harness/client/dispatcher/queue.ts";
import { migratedTemplate } from "../../harness/command-line/template.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { createDatabase } from "../../harness/sql/databases.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { Random, seedOf } from "../partitions/support/random.ts";
import { faultRow } from "../support/fault-table.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type RunningDispatcher, startDispatcher } from "./support/dispatcher.ts";
import { addEvents, addTenants, clear, job, statuses, until } from "./support/outbox.ts";

// A server of its own, since it is made to crash.
const branch = await createThrowawayBranch({ flavor: "neon" });
afterAll(() => branch.stop());
const admin = await connect(branch.ownerUrl, { purpose: "test", database: "postgres" });
const template = await migratedTemplate(admin, branch.ownerUrl, packageRoot);
await createDatabase(admin, "faults", template);
// What is committed survives a crash, as on any server that is to be kept.
await admin.query("alter database faults set synchronous_commit = on");
await admin.end();
const url = urlOf(branch.ownerUrl, "faults");
const superuser = urlOf(branch.superuserUrl, "faults");
const folder = temporaryFolder();
const seed = seedOf("outbox faults");
const random = new Random(seed);

const running: RunningDispatcher[] = [];
const all: RunningDispatcher[] = [];
const args = ["--lease", "1", "--sweep", "0.2", "--poll", "0.1", "--concurrency", "4", "--grace", "1"];
async function start(): Promise<void> {
  const dispatcher = await startDispatcher(folder, url, args);
  running.push(dispatcher);
  all.push(dispatcher);
}

/** The server may be on its way back. */
async function ask<T>(question: (client: Client) => Promise<T>, as = url): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    let client: Client | undefined;
    try {
      client = await connect(as, { purpose: "test" });
      return await question(client);
    } catch (error) {
      if (attempt === 200) throw error;
      await sleep(50);
    } finally {
      await client?.end().catch(() => undefined);
    }
  }
}

const tenants = await ask((client) => addTenants(client, 6));
beforeEach(() => ask(clear));
afterEach(async () => {
  for (const { process } of running) process.kill("SIGKILL");
  for (const { ended } of running.splice(0)) await ended;
  all.length = 0;
});

/** One of the two at random. */
const victim = () => random.pick(running);

const faults: { name: string; times: number; inject: () => Promise<void> }[] = [
  {
    name: "kill -9",
    times: 20,
    async inject() {
      const killed = victim();
      killed.process.kill("SIGKILL");
      await killed.ended;
      running.splice(running.indexOf(killed), 1);
      await start();
    },
  },
  {
    name: "SIGSTOP for longer than the lease",
    times: 8,
    async inject() {
      const stopped = victim();
      stopped.process.kill("SIGSTOP");
      await sleep(1_200 + 500 * random.next());
      stopped.process.kill("SIGCONT");
    },
  },
  {
    name: "its connections cut (pg_terminate_backend)",
    times: 60,
    inject: () =>
      ask(async (client) => {
        await client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name ~ '^harness outbox' and pid % 3 <> $1`,
          [random.below(3)],
        );
      }, superuser),
  },
  {
    name: "crash and restart of the server",
    times: 8,
    async inject() {
      await ask(async (client) => {
        const { rows } = await client.query("select pg_backend_pid() as pid");
        // A process of our own server: Postgres takes all others down and recovers.
        process.kill(rows[0].pid, "SIGKILL");
      }, superuser);
      await ask((client) => client.query("select 1"), superuser);
    },
  },
  {
    name: "SIGTERM, and started again",
    times: 12,
    async inject() {
      const stopped = victim();
      stopped.process.kill("SIGTERM");
      expect(await stopped.ended).toBe(130);
      running.splice(running.indexOf(stopped), 1);
      await start();
    },
  },
];

test.each(faults)(`$name (seed ${seed})`, async ({ name, times, inject }) => {
  await start();
  await start();
  let events = 0;
  for (let time = 0; time < times; time++) {
    for (const tenant of tenants) await ask((client) => addEvents(client, tenant, 60, { ms: 10 }));
    events += 60 * tenants.length;
    await sleep(50 + 200 * random.next());
    await inject();
  }
  await until(
    "all are done",
    () => ask(statuses),
    (counts) => Object.keys(counts).every((status) => status === "done"),
  );
  const deliveries = all.flatMap((dispatcher) => dispatcher.deliveries());
  const distinct = new Set(deliveries.map(keyOf)).size;
  // A bug ends with 70, and says so.
  for (const { stderr } of all) expect(stderr()).not.toMatch(/\[bug\]/);
  const added = await ask(async (client) => {
    const { rows } = await job(client, () =>
      client.query("select count(*)::int as count from public.capacity_outbox"),
    );
    return rows[0].count as number;
  });
  expect(added).toBe(events);
  expect(distinct).toBe(events);
  faultRow(
    "outbox dispatch",
    name,
    times,
    `${distinct} of ${events} events delivered, ${deliveries.length - distinct} of them again (seed ${seed})`,
  );
});

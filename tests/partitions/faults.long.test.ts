import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { testDatabase } from "../support/database.ts";
import { faultRow } from "../support/fault-table.ts";
import { asLines, count, createEvents, type Model, readEvents, write } from "./support/events.ts";
import { type Ended, runFor, runUntil, stepOf } from "./support/killable.ts";
import { Random, seedOf } from "./support/random.ts";
import { removePartitions } from "./support/stepwise.ts";

// Each row of the table of faults: one kind of fault, again and again at moments drawn by the seed, beside writers and a reader. Afterwards the
// same command goes through, and the table holds exactly what its writers were told has lasted. `npm run test:long`; a few rounds elsewhere.
const { client, url } = await testDatabase("empty");
const rounds = process.env.HARNESS_LONG === undefined ? 1 : 20;
const writers: Client[] = [];
let reader: Client;
beforeAll(async () => {
  for (let n = 0; n < 2; n++) writers.push(await connect(url, { purpose: "test writer" }));
  reader = await connect(url, { purpose: "test reader" });
});
afterAll(async () => {
  for (const one of [...writers, reader]) await one.end();
});

type Method = "shadow" | "attach";
const convertArgs = (method: Method) => [
  ..."partitions convert public.events --key at --extend-keys --batch 100 --rate 4000 --method".split(" "),
  ...[method, "--database-url", url],
];

/** Writers and a reader who counts go on while something is done. */
async function beside(model: Model, random: Random, work: () => Promise<void>): Promise<void> {
  let running = true;
  const go = () => running;
  const written = writers.map((one, writer) =>
    write(one, model, new Random(random.below(2 ** 31)), {
      writer,
      writers: writers.length,
      upsert: false,
      go,
    }),
  );
  const counted = count(reader, go);
  try {
    await work();
  } finally {
    running = false;
    await Promise.allSettled([...written, counted]);
  }
  await Promise.all(written);
  expect((await counted).wrong).toEqual([]);
}

async function prepared(random: Random): Promise<Model> {
  await client.query("drop table if exists public.events cascade");
  await removePartitions(client);
  return createEvents(client, random, 2_000, "id");
}

/** What each step says when it begins. */
const words: Record<Method, string[]> = {
  shadow: [
    "builds the partitioned",
    "makes the partitions",
    "has every change",
    "copies the rows",
    "compares",
    "swaps",
    "proves the foreign keys",
  ],
  attach: [
    "builds the partitioned",
    "makes the partitions",
    "builds the keys",
    "declares where",
    "proves that no row",
    "swaps",
    "proves the foreign keys",
  ],
};

/** Ends the session of the command, as an administrator or a restart of the server would. */
async function terminate(): Promise<number> {
  const { rows } = await client.query(
    "select count(*) filter (where pg_terminate_backend(pid))::int as n from pg_stat_activity where application_name = 'harness partitions convert' and datname = current_database()",
  );
  return rows[0].n;
}

const goesThrough = async (args: string[]): Promise<Ended> => {
  const last = await runUntil(args, () => false, 0);
  expect(last).toMatchObject({ status: 0 });
  return last;
};

describe.each(["shadow", "attach"] as const)("convert by %s", (method) => {
  test("kill -9 at every step", async () => {
    const random = new Random(seedOf(`kill at every step, ${method}`));
    let kills = 0;
    for (let round = 0; round < rounds; round++) {
      const model = await prepared(random);
      await beside(model, random, async () => {
        for (const word of words[method]) {
          const { status } = await runUntil(
            convertArgs(method),
            (output) => output.includes(word),
            random.below(10),
          );
          if (status === null) kills++;
        }
        await goesThrough(convertArgs(method));
      });
      expect(await readEvents(client)).toEqual(asLines(model));
    }
    expect(kills).toBeGreaterThan(0);
    faultRow(
      `partitions convert (${method})`,
      `kill -9 at each of its ${words[method].length} steps, beside writers; seed ${random.seed}`,
      kills,
      "run again, it went through; no row lost, doubled or stale; no reader saw fewer",
    );
  });

  test("its session is ended at every step", async () => {
    const random = new Random(seedOf(`session ended, ${method}`));
    let ended = 0;
    for (let round = 0; round < rounds; round++) {
      const model = await prepared(random);
      await beside(model, random, async () => {
        for (const word of words[method]) {
          let done: Promise<number> | undefined;
          const run = await runUntil(
            convertArgs(method),
            (output) => {
              if (output.includes(word))
                done ??= new Promise((resolve) => setTimeout(() => resolve(terminate()), random.below(10)));
              return false;
            },
            0,
          );
          if (((await done) ?? 0) === 0) continue;
          // whoever was at the end already has not noticed
          expect([0, 2]).toContain(run.status);
          if (run.status !== 2) continue;
          ended++;
          expect(run.output).toContain("[connection-lost]");
        }
        await goesThrough(convertArgs(method));
      });
      expect(await readEvents(client)).toEqual(asLines(model));
    }
    expect(ended).toBeGreaterThan(0);
    faultRow(
      `partitions convert (${method})`,
      `pg_terminate_backend at each step, beside writers; seed ${random.seed}`,
      ended,
      "one line, exit 2 (connection-lost); run again, it went through; no row lost",
    );
  });
});

test("convert: begun by two at once, killed at random, taken back and begun again", async () => {
  const random = new Random(seedOf("two at once"));
  let kills = 0;
  let taken = 0;
  for (let round = 0; round < rounds; round++) {
    const model = await prepared(random);
    await beside(model, random, async () => {
      for (let n = 0; n < 3; n++) {
        const both = await Promise.all([
          runFor(convertArgs("shadow"), 200 + random.below(900)),
          runFor(convertArgs("shadow"), 200 + random.below(900)),
        ]);
        for (const { status, output } of both) {
          if (status === null) kills++;
          else expect(output).not.toContain("[bug]");
        }
        const step = await stepOf(client, "public.events");
        if (step !== undefined && !["validate", "finish"].includes(step) && random.chance(0.5)) {
          await goesThrough(["partitions", "convert", "public.events", "--rollback", "--database-url", url]);
          taken++;
        }
      }
      await goesThrough(convertArgs("shadow"));
    });
    expect(await readEvents(client)).toEqual(asLines(model));
  }
  expect(kills).toBeGreaterThan(0);
  faultRow(
    "partitions convert (shadow)",
    `two begun at once, each killed at random; ${taken} taken back between; seed ${random.seed}`,
    kills,
    "never both; run again, it went through; no row lost",
  );
}, 600_000);

describe("prune", () => {
  const prune = ["partitions", "prune", "--database-url", url];
  const children = 12;
  async function prepareLogs(): Promise<void> {
    await client.query("drop table if exists public.logs cascade");
    await removePartitions(client);
    await client.query(
      "create table public.logs (id integer not null, at date not null) partition by range (at)",
    );
    for (let n = 0; n < children; n++)
      await client.query(
        `create table public.logs_${n} partition of public.logs for values from ('${2000 + n}-01-01') to ('${2001 + n}-01-01')`,
      );
    await client.query(
      "create table public.logs_now partition of public.logs for values from ('2020-01-01') to ('2090-01-01')",
    );
    await client.query(
      "insert into public.logs select n, date '2000-06-01' + n % 4300 from generate_series(1, 2000) as n; insert into public.logs select n, date '2030-01-01' from generate_series(1, 100) as n",
    );
    await goesThrough([
      "partitions",
      "ensure",
      "logs",
      "--period",
      "year",
      "--retention",
      "2 years",
      "--expired",
      "drop",
      "--database-url",
      url,
    ]);
  }
  const proveGone = async () => {
    const { rows } = await client.query(
      "select (select count(*)::int from logs) as rows, (select count(*)::int from pg_class where relname ~ '^logs_[0-9]+$') as left, (select count(*)::int from partitions.detached) as written",
    );
    expect(rows).toEqual([{ rows: 100, left: 0, written: 0 }]);
  };

  test("kill -9 at random, until nothing is left", async () => {
    const random = new Random(seedOf("prune killed"));
    let kills = 0;
    for (let round = 0; round < rounds; round++) {
      await prepareLogs();
      for (let n = 0; n < 6; n++) if ((await runFor(prune, 150 + random.below(400))).status === null) kills++;
      await goesThrough(prune);
      await proveGone();
    }
    expect(kills).toBeGreaterThan(0);
    faultRow(
      "partitions prune",
      `kill -9 at random, ${children} partitions; seed ${random.seed}`,
      kills,
      "run again, all expired partitions were gone, no other row",
    );
  });

  test("its session is ended at random", async () => {
    const random = new Random(seedOf("prune ended"));
    let ended = 0;
    for (let round = 0; round < rounds; round++) {
      await prepareLogs();
      for (let n = 0; n < 6; n++) {
        let over = false;
        const running = runUntil(prune, () => false, 0).finally(() => {
          over = true;
        });
        let hit = 0;
        while (!over && hit === 0) {
          // the session comes by itself; which of its statements is met is drawn
          const { rows } = await client.query(
            "select count(*) filter (where pg_terminate_backend(pid))::int as n from pg_stat_activity where application_name = 'harness partitions prune' and datname = current_database() and xact_start is not null and $1::float < 0.3",
            [random.next()],
          );
          hit = rows[0].n;
        }
        const { status, output } = await running;
        if (status === 2) {
          ended++;
          expect(output).toContain("[connection-lost]");
        } else expect([0, 1]).toContain(status);
      }
      await goesThrough(prune);
      await proveGone();
    }
    expect(ended).toBeGreaterThan(0);
    faultRow(
      "partitions prune",
      `pg_terminate_backend at random, ${children} partitions; seed ${random.seed}`,
      ended,
      "one line, exit 2 (connection-lost); run again, all expired partitions were gone",
    );
  });
});

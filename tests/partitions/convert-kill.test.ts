import type { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { testDatabase } from "../support/database.ts";
import { asLines, count, createEvents, keptRows, type Model, readEvents, write } from "./support/events.ts";
import { type Ended, runFor, runUntil, stepOf } from "./support/killable.ts";
import { Random, seedOf } from "./support/random.ts";
import { removePartitions } from "./support/stepwise.ts";

// A conversion that is killed again and again, beside writers who insert, change, move, delete and upsert, and a reader who counts. What the
// writers were told has lasted is the model; at the end the table holds exactly that. `npm run test:long` kills at random moments
// too; HARNESS_SEED repeats what is drawn at random, as far as the machine allows.
const { client, url } = await testDatabase("empty");
const long = process.env.HARNESS_LONG !== undefined;
const writers: Client[] = [];
let reader: Client;

beforeAll(async () => {
  for (let n = 0; n < 3; n++) writers.push(await connect(url, { purpose: "test writer" }));
  reader = await connect(url, { purpose: "test reader" });
});
afterAll(async () => {
  for (const one of [...writers, reader]) await one.end();
});

const command = (...more: string[]) => [
  "partitions",
  "convert",
  "public.events",
  "--database-url",
  url,
  ...more,
];

/** Writers and a reader at work while something else is done. What they saw. */
async function beside<T>(model: Model, random: Random, upsert: boolean, work: () => Promise<T>): Promise<T> {
  let running = true;
  const go = () => running;
  const written = writers.map((one, n) =>
    write(one, model, new Random(random.below(2 ** 31)), { writer: n, writers: writers.length, upsert, go }),
  );
  const counted = count(reader, go);
  let answer: T;
  try {
    answer = await work();
  } finally {
    running = false;
    await Promise.allSettled([...written, counted]);
  }
  for (const { committed, inserted, moved, deleted } of await Promise.all(written)) {
    expect(Math.min(committed, inserted, moved, deleted)).toBeGreaterThan(0);
  }
  const { counts, wrong } = await counted;
  expect(counts).toBeGreaterThan(0);
  expect(wrong).toEqual([]);
  return answer;
}

async function proveConverted(model: Model): Promise<void> {
  const { rows } = await client.query(
    "select relkind, (select count(*)::int from partitions.children('public.events')) as children from pg_class where oid = 'public.events'::regclass",
  );
  expect(rows[0]).toMatchObject({ relkind: "p" });
  expect(rows[0].children).toBeGreaterThan(3);
  expect(model.size).toBeGreaterThan(keptRows);
  expect(await readEvents(client)).toEqual(asLines(model));
}

async function clear(): Promise<void> {
  await client.query("drop table if exists public.events cascade");
  await removePartitions(client);
}

const described = ({ status, output }: Ended) => ({ status, output });

const stepsOf = {
  shadow: ["build", "children", "watch", "copy", "verify", "swap", "validate"],
  attach: ["build", "children", "index", "bound", "prove", "swap", "validate"],
};
const wordsOf: Record<string, string> = {
  build: "builds the partitioned",
  children: "makes the partitions",
  index: "builds the keys",
  bound: "declares where",
  prove: "proves that no row",
  watch: "has every change",
  copy: "copies the rows",
  verify: "compares",
  swap: "swaps",
  validate: "proves the foreign keys",
};

test.each([
  { method: "shadow", key: "id", upsert: false },
  { method: "shadow", key: "id, at", upsert: true },
  { method: "attach", key: "id", upsert: false },
] as const)("$method with the key ($key): killed at every step once, and run again", async (how) => {
  await clear();
  const { method, key, upsert } = how;
  const random = new Random(seedOf(`every step, ${method}, ${key}`));
  const model = await createEvents(client, random, 2_000, key);
  const seen = await beside(model, random, upsert, async () => {
    const met: (string | undefined)[] = [];
    for (const step of stepsOf[method]) {
      const words = wordsOf[step] as string;
      await runUntil(
        command(...["--key", "at", "--extend-keys", "--method", method, "--batch", "100", "--rate", "4000"]),
        (output) => output.includes(words),
        // on a quick machine a step is over in less
        random.below(10),
      );
      met.push(await stepOf(client, "public.events"));
    }
    const last = await runUntil(command("--key", "at"), () => false, 0);
    expect(described(last)).toMatchObject({ status: 0 });
    return met;
  });
  // some of the kills have come before the end of the step that they were meant for
  expect(new Set(seen).size).toBeGreaterThan(3);
  await proveConverted(model);
});

test.each(Array.from({ length: long ? 40 : 0 }, (_, round) => ({ round, upsert: round % 2 === 1 })))(
  "killed at random, and run again until it is done: round $round",
  async ({ round, upsert }) => {
    await clear();
    const random = new Random(seedOf(`round ${round}`) + round);
    const model = await createEvents(client, random, 10_000, upsert ? "id, at" : "id");
    const kills = await beside(model, random, upsert, async () => {
      for (let killed = 0; ; killed++) {
        const options = [
          "--key",
          "at",
          "--extend-keys",
          "--method",
          "shadow",
          "--batch",
          String(20 + random.below(200)),
          "--rate",
          "1500",
        ];
        const run = await runFor(command(...options), killed < 12 ? 250 + random.below(900) : 60_000);
        if (run.status === null) continue;
        expect(described(run)).toMatchObject({ status: 0 });
        return killed;
      }
    });
    expect(kills).toBeGreaterThan(0);
    await proveConverted(model);
  },
);

test("killed, and taken back: nothing is left of it, and nothing is lost", async () => {
  await clear();
  const random = new Random(seedOf("taken back"));
  const model = await createEvents(client, random, 2_000, "id");
  await beside(model, random, false, async () => {
    const killed = await runUntil(
      command("--key", "at", "--extend-keys", "--method", "shadow", "--batch", "50", "--rate", "1000"),
      (output) => output.includes(wordsOf.copy as string),
      200,
    );
    expect(killed.status).toBe(null);
    expect(await stepOf(client, "public.events")).toBe("copy");
    expect(described(await runUntil(command("--rollback"), () => false, 0))).toMatchObject({ status: 0 });
  });
  const { rows } = await client.query(
    `select (select count(*)::int from pg_namespace where nspname like 'partitions\\_%') as schemas,
            (select count(*)::int from pg_trigger where tgrelid = 'public.events'::regclass) as triggers,
            (select count(*)::int from pg_proc where proname = 'repeat' and pronamespace::regnamespace::text like 'partitions%') as functions,
            (select count(*)::int from pg_class where relname like 'events\\_p2%') as children,
            (select count(*)::int from partitions.conversions) as conversions, (select count(*)::int from partitions.managed) as managed,
            (select relkind from pg_class where oid = 'public.events'::regclass) as kind`,
  );
  expect(rows).toEqual([
    { schemas: 0, triggers: 0, functions: 0, children: 0, conversions: 0, managed: 0, kind: "r" },
  ]);
  expect(await readEvents(client)).toEqual(asLines(model));
});

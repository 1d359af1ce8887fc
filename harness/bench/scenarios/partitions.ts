import { deepStrictEqual, equal } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { beginConversion, type Method } from "../../partitions/conversion.ts";
import { convert, finish, type Running } from "../../partitions/convert.ts";
import { makePartitions, overdue } from "../../partitions/ensure.ts";
import { packSql } from "../../partitions/pack.ts";
import { readSqlFile } from "../../sql/sql-file.ts";
import type { Comparison, Scenario, Side, Stage } from "../scenario.ts";
import { convertByPartman, forgetPartman, installPartman } from "./partitions/partman.ts";
import { type Met, traffic } from "./partitions/traffic.ts";

interface State {
  stage: Stage;
  client: Client;
  writers: Client[];
  reader: Client;
  /** What the clients met, by method. */
  met: Map<string, (Met & { seconds: number })[]>;
}

const table = "bench.events";
const running: Running = { batch: 5_000, lockTimeoutMs: 50, patienceMs: 60_000, paused: () => false };
const sized = ({ stage }: State, rows: number) => (stage.quick ? Math.min(rows, 2_000) : rows);

/** @param ahead months of it that lie in the future */
async function fill({ client }: State, rows: number, ahead: number): Promise<void> {
  await client.query("select set_config('bench.rows', $1, false), set_config('bench.ahead', $2, false)", [
    String(rows),
    String(ahead),
  ]);
  await client.query(readSqlFile("harness/bench/scenarios/partitions.sql").text);
  await client.query("vacuum (analyze) bench.events");
}

async function convertBy({ client }: State, method: Method): Promise<void> {
  await beginConversion(client, {
    relation: table,
    key: "at",
    period: "month",
    timeZone: "UTC",
    method,
    extendKeys: true,
    premake: 3,
  });
  const ending = await convert(client, table, running);
  equal(ending, method === "shadow" ? "finish" : "done");
}

async function dropOld({ client }: State): Promise<void> {
  const { rows } = await client.query("select from partitions.conversions where relation = $1", [table]);
  if (rows.length > 0) await finish(client, table, running);
}

async function rowsOf({ client }: State): Promise<number> {
  return Number((await client.query("select count(*) from bench.events")).rows[0].count);
}

function conversion(label: string, method: Method, rows: number): Side<State> {
  return {
    label,
    before: (state) => fill(state, sized(state, rows), method === "attach" ? 0 : 2),
    async run(state) {
      const began = performance.now();
      await convertBy(state, method);
      return (performance.now() - began) * (method === "shadow" ? 1_000 / sized(state, rows) : 1);
    },
    async after(state) {
      equal(await rowsOf(state), sized(state, rows));
      await dropOld(state);
    },
  };
}

const million = 1_000_000;

/** What clients of the table meet while something is done to it. */
async function under(state: State, work: () => Promise<unknown>): Promise<Met & { seconds: number }> {
  const began = performance.now();
  const met = await traffic(state.writers, state.reader, sized(state, million), work);
  return { ...met, seconds: (performance.now() - began) / 1000 };
}

function unharmed(state: State, { fewestRows, errors }: Met): void {
  deepStrictEqual(errors, [], "writes or counts failed");
  equal(fewestRows, sized(state, million), "a reader saw fewer rows than there are");
}

/** The longest that a writer waited, which is what a conversion costs whoever works with the table. */
function stall(method: Method): Comparison<State> {
  const complete = async (state: State, work: () => Promise<unknown>) => {
    const met = await under(state, work);
    unharmed(state, met);
    return met;
  };
  const prepared = (state: State) => fill(state, sized(state, million), method === "attach" ? 0 : 2);
  return {
    title: `longest write while 1,000,000 rows are converted, ${method}`,
    unit: "ms",
    long: true,
    baseline: {
      label: "writers alone, 10 s",
      before: prepared,
      run: async (state) =>
        (await complete(state, () => sleep(state.stage.quick ? 200 : 10_000))).longestWrite,
    },
    candidate: {
      label: `converted by ${method}`,
      before: prepared,
      async run(state) {
        const met = await complete(state, () => convertBy(state, method));
        state.met.set(method, [...(state.met.get(method) ?? []), met]);
        return met.longestWrite;
      },
      after: dropOld,
    },
    notes: ({ met }) => {
      const all = met.get(method) ?? [];
      return {
        "seconds each": all.map(({ seconds }) => seconds.toFixed(1)).join(" "),
        "fewest rows a reader saw": all.map(({ fewestRows }) => fewestRows.toLocaleString("en")).join(" "),
        "counts and writes meanwhile": all.map(({ counts, writes }) => `${counts}/${writes}`).join(" "),
      };
    },
  };
}

/** Where the server has it. What it loses in between is noted, and no failure of ours. */
function partman(): Comparison<State> {
  const endings: string[] = [];
  const seen: string[] = [];
  return {
    title: "longest write while 1,000,000 rows are converted, by pg_partman against shadow",
    unit: "ms",
    long: true,
    prepare: ({ client }) => installPartman(client),
    baseline: {
      label: "pg_partman: DEFAULT, partition_data_proc",
      before: (state) => fill(state, sized(state, million), 0),
      async run(state) {
        const met = await under(state, async () => endings.push(await convertByPartman(state.client)));
        seen.push(
          `${met.fewestRows.toLocaleString("en")} in ${met.seconds.toFixed(1)} s, ${met.errors.length} errors of clients`,
        );
        return met.longestWrite;
      },
      after: ({ client }) => forgetPartman(client),
    },
    candidate: {
      label: "shadow",
      before: (state) => fill(state, sized(state, million), 0),
      async run(state) {
        const met = await under(state, () => convertBy(state, "shadow"));
        unharmed(state, met);
        return met.longestWrite;
      },
      after: dropOld,
    },
    notes: () => ({
      "pg_partman ended with": endings.join("; "),
      "fewest rows a reader saw meanwhile": seen.join("; "),
    }),
  };
}

const months = 24;

/** Tables without any partition but the first, to be kept up for two years. */
async function emptyTables({ client, stage }: State): Promise<number> {
  const tables = stage.quick ? 2 : 100;
  await client.query("create schema if not exists bench_many; delete from partitions.managed");
  // one at a time: all of them at once would be more locks than a server has
  for (let n = 1; n <= tables; n++) await client.query(`drop table if exists bench_many.t${n}`);
  for (let n = 1; n <= tables; n++) {
    await client.query(
      `create table bench_many.t${n} (tenant integer not null, id bigint not null, at timestamptz not null, body text, primary key (id, at)) partition by range (at);
       create index on bench_many.t${n} (tenant, at);
       select partitions.manage('bench_many.t${n}', 'month', 'UTC', ${months - 1})`,
    );
  }
  return tables;
}

const partitionsIn = async ({ client }: State) =>
  (
    await client.query(
      "select count(*)::int as n from pg_catalog.pg_class where relispartition and relkind = 'r' and relnamespace = 'bench_many'::regnamespace",
    )
  ).rows[0].n;

const scenario: Scenario<State> = {
  title: "partitioning a table, and keeping it up",
  description:
    "The functions of harness partitions, in the process. Filling the tables, dropping old ones and connecting are not in the figures. attach and shadow run without other clients; " +
    "the longest write is that of two writers (insert, update, update of the partition key, delete) beside a reader who counts, and a run in which a count is not " +
    "complete fails; the writers do not wait for the disk (synchronous_commit = off), since what is asked is how long they wait for the conversion. shadow is the time of the whole conversion, verification included, by the number of rows.",
  database: true,

  async setup(stage) {
    const { client, connect } = await stage.createDatabase();
    await client.query(`set client_min_messages = warning; ${packSql()}`);
    const writers = [await connect(), await connect()];
    for (const writer of writers) await writer.query("set synchronous_commit = off");
    return {
      stage,
      client,
      writers,
      reader: await connect(),
      met: new Map(),
    };
  },

  comparisons: {
    attach: {
      title: "attach: 100,000 rows against 1,000,000",
      baseline: conversion("100,000", "attach", 100_000),
      candidate: conversion("1,000,000", "attach", 1_000_000),
    },
    shadow: {
      title: "a row, by INSERT … SELECT into the same partitions against the shadow method; 200,000 rows",
      unit: "µs/row",
      baseline: {
        label: "INSERT … SELECT",
        async before(state) {
          const rows = sized(state, 200_000);
          await fill(state, rows, 2);
          // partitions as the conversion makes them, and the rows once more, not partitioned
          await state.client.query(
            "create table bench.source as select * from bench.events; analyze bench.source",
          );
          await convertBy(state, "shadow");
          await dropOld(state);
          await state.client.query("truncate bench.events");
        },
        async run(state) {
          const began = performance.now();
          await state.client.query(
            "insert into bench.events (tenant, id, at, status, body) select * from bench.source",
          );
          return ((performance.now() - began) * 1_000) / sized(state, 200_000);
        },
        after: ({ client }) => client.query("drop table bench.source"),
      },
      candidate: conversion("shadow", "shadow", 200_000),
    },
    growth: {
      title: "a row by the shadow method, of 1,000,000 against 10,000,000",
      unit: "µs/row",
      long: true,
      baseline: conversion("1,000,000", "shadow", 1_000_000),
      candidate: conversion("10,000,000", "shadow", 10_000_000),
    },
    "stall-attach": stall("attach"),
    "stall-shadow": stall("shadow"),
    "stall-partman": partman(),
    ensure: {
      title: `${months} months of 100 tables`,
      long: true,
      baseline: {
        label: "CREATE LIKE, ATTACH",
        before: emptyTables,
        run: ({ client }) =>
          client.query(readSqlFile("harness/bench/scenarios/partitions/bare-ensure.sql").text),
        after: async (state) =>
          deepStrictEqual(await partitionsIn(state), months * (state.stage.quick ? 2 : 100)),
      },
      candidate: {
        label: "partitions ensure",
        before: emptyTables,
        async run({ client }) {
          const { missing } = await overdue(client);
          for await (const step of makePartitions(client, missing, 2_000))
            if ("failed" in step) throw new Error(step.failed.reason);
        },
        after: async (state) =>
          deepStrictEqual(await partitionsIn(state), months * (state.stage.quick ? 2 : 100)),
      },
    },
  },
};
export default scenario;

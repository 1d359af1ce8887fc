import type { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { convert, type Running } from "../../harness/partitions/convert.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { advance, begin, installPartitions, nextStep, removePartitions } from "./support/stepwise.ts";

// Transactions whose snapshot is older than the copy, and who first touch the table after the swap: without a guard they find it empty, and
// are told nothing.
const { client, url } = await testDatabase("empty");
const table = "public.things";
let reader: Client;
let converter: Client;
beforeAll(async () => {
  reader = await connect(url, { purpose: "old reader" });
  converter = await connect(url, { purpose: "partitions convert" });
});
afterAll(async () => {
  await reader.end();
  await converter.end();
});

beforeEach(async () => {
  await reader.query("rollback");
  await removePartitions(client);
  await client.query(`
    drop table if exists public.things, public.other cascade;
    create table public.other (n integer);
    create table public.things (id integer primary key, at date not null, value integer not null default 0);
    insert into public.things (id, at) select n, current_date - n % 90 from generate_series(1, 1000) as n;
    -- reads the table late, by the snapshot of the statement that calls it
    create or replace function public.read_late() returns bigint language plpgsql stable as $$
    begin
      perform pg_advisory_lock(77);
      return (select count(*) from public.things);
    end $$;`);
  await installPartitions(client);
});

const running = (patienceMs: number, waits: string[] = []): Running => ({
  batch: 200,
  lockTimeoutMs: 50,
  patienceMs,
  paused: () => false,
  onWait: (who) => void waits.push(who),
});

const guard = "perform partitions.refuse_older_transactions(relation);";
async function withoutGuard(): Promise<void> {
  const { rows } = await client.query(
    "select pg_get_functiondef('partitions.step_swap(text)'::regprocedure) as text",
  );
  expect(rows[0].text).toContain(guard);
  await client.query(rows[0].text.replace(guard, ""));
}

/** Where in the conversion the snapshot is taken: before it, in the middle of the copy, at its very end. */
const moments: Record<string, () => Promise<void>> = {
  "before the copy": () => advance(client, table, "copy"),
  "amid the copy": async () => {
    await advance(client, table, "copy");
    for (let n = 0; n < 4; n++) await client.query("select * from partitions.copy_batch($1, 100)", [table]);
  },
};

describe.each(["repeatable read", "serializable"])("%s", (level) => {
  test.each(Object.keys(moments))("a snapshot from %s: the swap waits, nothing is lost", async (moment) => {
    await begin(client, table, "at");
    await moments[moment]?.();
    await reader.query(`begin isolation level ${level}; select count(*) from public.other`);
    const waits: string[] = [];
    const converted = convert(converter, table, running(60_000, waits));
    await vi.waitFor(() => expect(waits).toHaveLength(1), { timeout: 20_000 });
    expect(waits[0]).toMatch(/^session \d+ \(harness old reader\)/);
    expect(await nextStep(client, table)).toBe("swap");
    const { rows } = await reader.query("select count(*)::int as n, max(id) from public.things");
    expect(rows).toEqual([{ n: 1000, max: 1000 }]);
    if (level === "repeatable read") {
      // repeated in the copy, so that its snapshot has to see the row there
      await expect(reader.query("update public.things set value = 7 where id = 999")).rejects.toMatchObject({
        code: "40001",
      });
    }
    await reader.query("rollback");
    expect(await converted).toBe("finish");
    await reader.query(`begin isolation level ${level}`);
    expect((await reader.query("update public.things set value = 7 where id = 5")).rowCount).toBe(1);
    expect((await reader.query("select count(*)::int as n from public.things")).rows).toEqual([{ n: 1000 }]);
    await reader.query("commit");
  });

  test.each([
    ["before the copy", 0],
    ["amid the copy", 400],
  ])(
    "a snapshot from %s would see %i of 1,000 rows, and lose an update, without the guard",
    async (moment, seen) => {
      await begin(client, table, "at");
      await moments[moment]?.();
      await reader.query(`begin isolation level ${level}; select count(*) from public.other`);
      await withoutGuard();
      await advance(client, table);
      expect((await reader.query("select count(*)::int as n from public.things")).rows).toEqual([
        { n: seen },
      ]);
      expect((await reader.query("update public.things set value = 7 where id = 999")).rowCount).toBe(0);
      await reader.query("commit");
    },
  );
});

test.each([true, false])(
  "READ COMMITTED, a function that is STABLE and reads late; guarded: %s",
  async (guarded) => {
    await begin(client, table, "at");
    await advance(client, table, "copy");
    await client.query("select pg_advisory_lock(77)");
    const late = reader.query("select public.read_late()::int as n");
    await vi.waitFor(async () => {
      const { rows } = await client.query("select from pg_locks where locktype = 'advisory' and not granted");
      expect(rows).toHaveLength(1);
    });
    if (guarded) {
      const waits: string[] = [];
      const converted = convert(converter, table, running(60_000, waits));
      await vi.waitFor(() => expect(waits).toHaveLength(1), { timeout: 20_000 });
      await client.query("select pg_advisory_unlock(77)");
      expect((await late).rows).toEqual([{ n: 1000 }]);
      expect(await converted).toBe("finish");
    } else {
      await withoutGuard();
      await advance(client, table);
      await client.query("select pg_advisory_unlock(77)");
      expect((await late).rows).toEqual([{ n: 0 }]);
    }
    await reader.query("select pg_advisory_unlock_all()");
  },
);

describe("nobody is waited for who cannot see less", () => {
  test("a READ COMMITTED transaction that is idle; a snapshot that is newer; another database", async () => {
    await begin(client, table, "at");
    await reader.query("begin; select count(*) from public.other");
    const newer = await connect(url, { purpose: "new reader" });
    const elsewhere = await connect(url, { purpose: "elsewhere", database: "postgres" });
    try {
      await elsewhere.query("begin isolation level repeatable read; select 1");
      await advance(client, table, "swap");
      await newer.query("begin isolation level repeatable read; select count(*) from public.other");
      expect(await convert(converter, table, running(0))).toBe("finish");
      for (const one of [reader, newer]) {
        expect((await one.query("select count(*)::int as n from public.things")).rows).toEqual([{ n: 1000 }]);
      }
    } finally {
      await newer.end();
      await elsewhere.end();
    }
  });

  test("a transaction that was running before a restart of the server, whose number is given again", async () => {
    await begin(client, table, "at");
    await advance(client, table, "copy");
    await reader.query("begin isolation level repeatable read; select count(*) from public.other");
    await advance(client, table, "swap");
    await client.query(
      "update partitions.conversions set server_started_at = server_started_at - interval '1 hour'",
    );
    expect((await client.query("select * from partitions.older_transactions($1)", [table])).rows).toEqual([]);
  });
});

test("the command waits as long as it is told to, names the session, and goes on from there", async () => {
  await begin(client, table, "at");
  await advance(client, table, "copy");
  await reader.query("begin isolation level repeatable read; select count(*) from public.other");
  const command = ["partitions", "convert", "things", "--database-url", url, "--wait", "0.5"];
  const busy = await harness(command);
  expect(busy).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/waits for session \d+ \(harness old reader\)/),
  });
  expect(busy.stderr).toMatch(
    /^harness: public\.things: session \d+ \(harness old reader\) .*\[older-transaction\]\n$/,
  );
  expect(await nextStep(client, table)).toBe("swap");
  await expect(client.query("select partitions.step_swap($1)", [table])).rejects.toMatchObject({
    code: "55006",
  });
  await reader.query("rollback");
  expect(await harness(command)).toMatchObject({ status: 0, stderr: "" });
});

test("attach moves no row: snapshots of every age see all of them", async () => {
  await begin(client, table, "at", { method: "attach" });
  await advance(client, table, "bound");
  await reader.query("begin isolation level repeatable read; select count(*) from public.other");
  await advance(client, table);
  expect((await reader.query("select count(*)::int as n from public.things")).rows).toEqual([{ n: 1000 }]);
  expect((await reader.query("update public.things set value = 7 where id = 5")).rowCount).toBe(1);
  await reader.query("commit");
});

test("attach: building an index waits for older transactions too, not longer than it is told to, and can be repeated", async () => {
  await reader.query("begin isolation level repeatable read; select count(*) from public.other");
  await begin(client, table, "at", { method: "attach" });
  await expect(convert(converter, table, running(300))).rejects.toMatchObject({
    code: "older-transaction",
    message: expect.stringMatching(/session \d+ \(harness old reader\)/),
  });
  expect(await nextStep(client, table)).toBe("index");
  await reader.query("rollback");
  expect(await convert(converter, table, running(60_000))).toBe("done");
});

test("a prepared transaction runs no more statements, and is not waited for; the lock that it holds is, and is named", async ({
  skip,
}) => {
  const { rows } = await client.query("show max_prepared_transactions");
  skip(rows[0].max_prepared_transactions === "0", "this server has no prepared transactions");
  await begin(client, table, "at");
  await advance(client, table, "copy");
  await reader.query(
    "begin; select count(*) from public.other; insert into public.other values (1); prepare transaction 'left'",
  );
  await advance(client, table, "swap");
  expect(await convert(converter, table, running(0))).toBe("finish");
  await client.query("rollback prepared 'left'");
});

test("what a conversion that was paused by an older version did not write down is written down before the swap", async () => {
  await begin(client, table, "at");
  await advance(client, table, "verify");
  await client.query("select partitions.move_on($1, 'swap')", [table]);
  await expect(client.query("select partitions.step_swap($1)", [table])).rejects.toMatchObject({
    code: "55000",
  });
  expect(await convert(converter, table, running(0))).toBe("finish");
});

test("DETACH takes a partition away from every snapshot, as TRUNCATE does: what expired is seen no more by whoever comes late", async () => {
  await client.query(`
    create table public.logs (at date not null) partition by range (at);
    create table public.logs_old partition of public.logs for values from ('2020-01-01') to ('2020-02-01');
    insert into public.logs values ('2020-01-15')`);
  await reader.query("begin isolation level repeatable read; select count(*) from public.other");
  expect(
    await harness([
      ..."partitions prune logs --older-than".split(" "),
      "1 year",
      ...["--expired", "detach", "--database-url", url],
    ]),
  ).toMatchObject({ status: 0 });
  expect((await reader.query("select count(*)::int as n from public.logs")).rows).toEqual([{ n: 0 }]);
  expect((await reader.query("select count(*)::int as n from public.logs_old")).rows).toEqual([{ n: 1 }]);
  await reader.query("rollback");
  await client.query("drop table public.logs, public.logs_old");
});

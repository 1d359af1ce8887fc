import { spawn } from "node:child_process";
import { createServer, connect as dial, type Socket } from "node:net";
import { join } from "node:path";
import type { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { installPartitions, removePartitions } from "./support/stepwise.ts";

// Every command that works on partitions, in the middle of what it does: its session is ended by the server, its connection breaks, somebody
// presses Ctrl-C. One line says what lasts, and the same command does the rest.
const { client, url } = await testDatabase("empty");
let holder: Client;
beforeAll(async () => {
  holder = await connect(url, { purpose: "holder" });
});
afterAll(() => holder.end());

beforeEach(async () => {
  await holder.query("rollback");
  await removePartitions(client);
  await client.query(`
    drop table if exists public.logs, public.moments cascade;
    create table public.logs (at date not null) partition by range (at);
    create table public.logs_old partition of public.logs for values from ('2020-01-01') to ('2020-02-01');
    create table public.moments (id integer primary key, at date not null);
    insert into public.moments select n, current_date - n % 90 from generate_series(1, 300) as n;
    analyze public.moments;`);
  await installPartitions(client);
  await client.query("select partitions.manage('public.logs', 'month', 'UTC', 2, '1 year', 'drop')");
});

interface Case {
  args: string[];
  /** Taken by somebody else, so that the command comes to a stop. */
  lock: string;
  /** What the line says of what lasts. */
  again: RegExp;
  after(): Promise<void>;
}

const kind = async (relation: string) =>
  (await client.query("select relkind from pg_class where oid = to_regclass($1)", [relation])).rows[0]
    ?.relkind;

const cases: Record<string, Case> = {
  convert: {
    args: ["convert", "moments", "--key", "at", "--extend-keys", "--method", "shadow"],
    lock: "begin; lock table public.moments in access share mode",
    again: /what is done lasts.*harness partitions convert .*moments goes on from there/i,
    after: async () => expect(await kind("moments")).toBe("p"),
  },
  ensure: {
    args: ["ensure", "logs", "--lock-timeout", "60"],
    lock: "begin; lock table public.logs in share update exclusive mode",
    again: /it makes what is missing|ensure makes them/,
    after: async () =>
      expect((await client.query("select * from partitions.missing('logs')")).rows).toEqual([]),
  },
  prune: {
    args: ["prune", "--wait", "60"],
    lock: "begin; lock table public.logs in access share mode",
    again: /goes on where it stopped|goes on from there/,
    after: async () => expect(await kind("logs_old")).toBeUndefined(),
  },
  maintain: {
    args: ["maintain", "--wait", "60"],
    lock: "begin; lock table public.logs in access share mode",
    again: /does the rest/,
    after: async () => expect(await kind("logs_old")).toBeUndefined(),
  },
  status: {
    args: ["status"],
    lock: "begin; lock table public.logs_old in access exclusive mode",
    again: /changes nothing/,
    after: async () => expect(await kind("logs")).toBe("p"),
  },
};

function start(args: string[], target = url) {
  const child = spawn(
    process.execPath,
    [join(packageRoot, "dist/cli.js"), "partitions", ...args, "--database-url", target],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (said.stdout += chunk));
  child.stderr.on("data", (chunk) => (said.stderr += chunk));
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, said, closed };
}

/** The session of the command that waits for a lock now. */
async function waiting(): Promise<number> {
  return vi.waitFor(
    async () => {
      const { rows } = await client.query(
        `select a.pid from pg_stat_activity as a
          where a.datname = current_database() and a.application_name like 'harness partitions%'
            and (a.wait_event_type = 'Lock' or a.query like '%step_swap%')`,
      );
      expect(rows).toHaveLength(1);
      return rows[0].pid;
    },
    { timeout: 20_000, interval: 20 },
  );
}

async function goesOn({ args, after }: Case): Promise<void> {
  await holder.query("rollback");
  expect(await harness(["partitions", ...args, "--database-url", url])).toMatchObject({ stderr: "" });
  await after();
}

describe.each(Object.keys(cases))("%s", (name) => {
  const one = cases[name] as Case;

  test("its session is ended: one line, exit code 2, and it goes on", async () => {
    await holder.query(one.lock);
    const { said, closed } = start(one.args);
    await client.query("select pg_terminate_backend($1)", [await waiting()]);
    expect(await closed).toBe(2);
    expect(said.stderr).toMatch(
      /^harness: the connection to the database was lost: [^\n]* \[connection-lost\]\n$/,
    );
    expect(said.stderr).toMatch(one.again);
    await goesOn(one);
  });

  test("the network breaks: one line, exit code 2, and it goes on", async () => {
    await holder.query(one.lock);
    const sockets: Socket[] = [];
    const { hostname, port } = new URL(url);
    const proxy = createServer((near) => {
      const far = dial({ host: hostname, port: Number(port) });
      for (const socket of [near, far]) socket.on("error", () => undefined);
      near.pipe(far).pipe(near);
      sockets.push(near, far);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const target = new URL(url);
    target.hostname = "127.0.0.1";
    target.port = String((proxy.address() as { port: number }).port);
    const { said, closed } = start(one.args, target.href);
    await waiting();
    for (const socket of sockets) socket.destroy();
    expect(await closed).toBe(2);
    proxy.close();
    expect(said.stderr).toMatch(
      /^harness: the connection to the database was lost: [^\n]* \[connection-lost\]\n$/,
    );
    await goesOn(one);
  });

  if (name !== "status")
    test.each(["SIGINT", "SIGTERM"] as const)(
      "%s: what was done, how to go on, exit code 130",
      async (signal) => {
        await holder.query(one.lock);
        const { child, said, closed } = start(one.args);
        await waiting();
        child.kill(signal);
        expect(await closed).toBe(130);
        expect(said.stderr).toMatch(/^\nInterrupted: [^\n]*\n$/);
        expect(said.stderr).toMatch(one.again);
        await goesOn(one);
      },
    );
});

test("an interrupted run that makes partitions says how many are left", async () => {
  await holder.query("begin; lock table public.logs in share update exclusive mode");
  const { child, said, closed } = start(["ensure", "logs", "--lock-timeout", "60"]);
  await waiting();
  child.kill("SIGTERM");
  expect(await closed).toBe(130);
  expect(said.stderr).toMatch(/Interrupted: 0 partitions were made and last, 3 are left/);
});

import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { afterAll, expect, test } from "vitest";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { faultRow } from "../support/fault-table.ts";
import { asLines, createEvents, readEvents } from "./support/events.ts";
import { runUntil } from "./support/killable.ts";
import { Random, seedOf } from "./support/random.ts";
import { removePartitions } from "./support/stepwise.ts";

// The server crashes in the middle of a conversion: one of its sessions is killed, so that it ends all of them and recovers from its log.
const server = await createThrowawayBranch({ flavor: "plain" });
const url = server.ownerUrl;
afterAll(server.stop);
const rounds = process.env.HARNESS_LONG === undefined ? 1 : 10;

/** A connection, as soon as the server lets anybody in. */
async function reconnect(): Promise<Client> {
  for (const deadline = Date.now() + 60_000; ; await sleep(50)) {
    try {
      const client = await connect(url, { purpose: "test" });
      await client.query("select 1");
      return client;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

async function crash(): Promise<void> {
  const victim = await connect(url, { purpose: "victim" });
  const { rows } = await victim.query("select pg_backend_pid() as pid");
  process.kill(rows[0].pid, "SIGKILL");
  await victim.end().catch(() => undefined);
}

const steps = {
  shadow: ["makes the partitions", "has every change", "copies the rows", "compares", "swaps"],
  attach: ["makes the partitions", "builds the keys", "declares where", "proves that no row", "swaps"],
};

test.each(["shadow", "attach"] as const)(
  "convert by %s: the server crashes at every step",
  async (method) => {
    const random = new Random(seedOf(`crashes, ${method}`));
    const args = [
      ..."partitions convert public.events --key at --extend-keys --batch 100 --rate 4000 --method".split(
        " ",
      ),
      ...[method, "--database-url", url],
    ];
    let crashes = 0;
    for (let round = 0; round < rounds; round++) {
      let client = await reconnect();
      await client.query("drop table if exists public.events cascade");
      await removePartitions(client);
      const model = await createEvents(client, random, 2_000, "id");
      await client.end();
      for (const word of steps[method]) {
        let crashed: Promise<void> | undefined;
        const run = await runUntil(
          args,
          (output) => {
            if (output.includes(word)) crashed ??= sleep(random.below(10)).then(crash);
            return false;
          },
          0,
        );
        await crashed;
        await (await reconnect()).end();
        if (run.status === 0) continue;
        crashes++;
        expect(run).toMatchObject({ status: 2, output: expect.stringContaining("[connection-lost]") });
      }
      expect(await runUntil(args, () => false, 0)).toMatchObject({ status: 0 });
      client = await reconnect();
      expect(await readEvents(client)).toEqual(asLines(model));
      await client.end();
    }
    expect(crashes).toBeGreaterThan(0);
    faultRow(
      `partitions convert (${method})`,
      `crash of the server (a session's process killed) at each step; seed ${random.seed}`,
      crashes,
      "one line, exit 2 (connection-lost); run again, it went through; no row lost",
    );
  },
);

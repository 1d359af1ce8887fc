import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { harness } from "../support/cli.ts";
import { cuttingProxy } from "../support/cutting-proxy.ts";
import { testDatabase } from "../support/database.ts";
import { faultRow } from "../support/fault-table.ts";
import { projectWith } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const bare = temporaryFolder();
const pgtapFile = join(bare, "one.sql");
writeFileSync(pgtapFile, "begin; select plan(1); select pass('yes'); select * from finish(); rollback;");
const project = projectWith({ "1-one": "create table public.made_here (i int);", "2-two": "select 1;" });

/** Each command, where it runs, and what it says that is safe. */
const commands: [what: string, args: string[], cwd: string, safe: RegExp][] = [
  ["verify", ["verify"], packageRoot, /nothing was changed/],
  ["verify without configuration", ["verify"], bare, /nothing was changed/],
  ["setup --check", ["setup", "--check"], packageRoot, /goes on with what is missing/],
  ["setup", ["setup"], packageRoot, /goes on with what is missing/],
  ["status", ["status"], packageRoot, /safe to repeat/],
  ["apply", ["apply"], project, /`harness status` says/],
  ["test", ["test", "--in-place", pgtapFile], packageRoot, /rolled back/],
  ["as", ["as", "de300000-0000-4000-8000-000000000001", "select 1"], packageRoot, /before you repeat it/],
  ["init", ["init", "--stdout"], bare, /Nothing was written/],
  ["outbox status", ["outbox", "status"], packageRoot, /safe to repeat/],
  ["pii status", ["pii", "status"], packageRoot, /safe to repeat|run it again/i],
  ["partitions status", ["partitions", "status"], packageRoot, /safe to repeat|run it again/i],
];

const database = await testDatabase();
// Messages of a client until it is let in: start-up, and two of SCRAM.
const login = 3;
// Which of its messages a command is cut off at: the first is how a connection begins.
const moments = process.env.HARNESS_LONG ? Array.from({ length: 24 }, (_, n) => n + 1) : [1, 4, 5, 7];

test.each(commands)(
  "%s: whenever the connection breaks, one line says so and what is safe",
  async (what, args, cwd, safe) => {
    let lost = 0;
    let cut = 0;
    for (const nth of moments) {
      const proxy = await cuttingProxy(database.url, nth);
      const { status, stderr } = await harness(args, { cwd, env: { DATABASE_URL: proxy.url } });
      await proxy.close();
      expect(status, stderr).not.toBe(70);
      if (proxy.cuts() === 0) continue; // it had no more to send
      cut++;
      const lines = stderr.split("\n").filter((line) => line.startsWith("harness: "));
      expect(lines.length, stderr).toBeLessThan(2);
      if (!lines[0]?.includes("[connection-lost]")) continue;
      expect(status).toBe(2);
      lost++;
      if (nth > login) expect(lines[0]).toMatch(safe);
    }
    expect(lost).toBeGreaterThan(0);
    faultRow(
      what,
      "connection cut at one of its first 24 messages",
      cut,
      `one line, exit 2 (${lost} times seen as lost), never 70`,
    );
  },
);

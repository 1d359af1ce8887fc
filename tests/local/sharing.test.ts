import { spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createBranch, deleteBranch } from "../../harness/targets/local/cluster.ts";
import { serverUser } from "../../harness/targets/local/os-user.ts";
import {
  isPostmaster,
  type Postmaster,
  readPostmaster,
  removeBogusLock,
} from "../../harness/targets/local/postmaster.ts";
import { asUser } from "../../harness/targets/local/server-tool.ts";
import { localTarget, startBranch, stopBranch } from "../../harness/targets/local/target.ts";
import { startHolder } from "./support/child.ts";
import { type TemporaryState, temporaryState, until } from "./support/state.ts";

let state: TemporaryState;
let data = "";
beforeAll(async () => {
  state = temporaryState({ ownServers: true });
  const { branch } = await createBranch(state.folder, "shared");
  ({ data } = branch);
});
afterAll(() => state.remove());

const server = () => readPostmaster(data);
const port = (url: string) => Number(new URL(url).port);

async function works(url: string): Promise<boolean> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query("select true as works");
  await client.end();
  return rows[0].works;
}

async function leases(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query("select count(*)::int from pg_locks where locktype = 'advisory'");
  await client.end();
  return rows[0].count;
}

async function killServer(): Promise<Postmaster> {
  const victim = server();
  if (!victim) throw new Error("no server to kill");
  process.kill(victim.pid, "SIGKILL");
  await until(() => !isPostmaster(victim.pid, data), "the server is gone");
  return victim;
}

afterEach(() => expect(server(), "every test lets the branch go").toBeNull());

describe("one server for all", () => {
  test("two commands share it, and the last one stops it", async () => {
    const ours = await localTarget("shared");
    const theirs = await startHolder("shared");
    expect(theirs.url).toBe(ours.url);
    await ours.release();
    expect(await works(theirs.url)).toBe(true);
    await theirs.finish();
  });

  test("two that start it at once get the same server", async () => {
    const targets = await Promise.all([startHolder("shared"), startHolder("shared"), localTarget("shared")]);
    const [one, other, ours] = targets;
    expect(new Set(targets.map(({ url }) => url)).size).toBe(1);
    expect(await works(one.url)).toBe(true);
    await Promise.all([one.finish(), other.finish(), ours.release()]);
  });

  test("two that create a branch at once get the same branch", async () => {
    const [one, other] = await Promise.all([startHolder("main"), startHolder("main")]);
    expect(one.url).toBe(other.url);
    expect(await works(one.url)).toBe(true);
    await Promise.all([one.finish(), other.finish()]);
    expect(readPostmaster(join(state.folder, "branches/main/data"))).toBeNull();
  });

  test("those who leave and come all the time never find it closed, and the last of them stops it", async () => {
    const visit = async () => {
      for (let round = 0; round < 8; round++) {
        const target = await localTarget("shared");
        expect(await works(target.url)).toBe(true);
        await target.release();
      }
    };
    await Promise.all([visit(), visit(), visit()]);
  });
});

describe("an explicit start", () => {
  test("survives its users, and stop ends it", async () => {
    await startBranch("shared");
    const user = await startHolder("shared");
    await user.finish();
    expect(server()?.ready).toBe(true);
    expect(await stopBranch("shared")).toBe("stopped");
  });

  test("that is taken back while a command uses the branch ends with that command", async () => {
    await startBranch("shared");
    const user = await startHolder("shared");
    expect(await stopBranch("shared")).toBe("in use");
    expect(await works(user.url)).toBe(true);
    await user.finish();
  });
});

test("a branch in use cannot be deleted", async () => {
  const { branch } = await createBranch(state.folder, "wanted");
  const user = await startHolder("wanted");
  await expect(deleteBranch(state.folder, "wanted")).rejects.toMatchObject({ code: "branch-in-use" });
  expect(await works(user.url)).toBe(true);
  await user.finish();
  await deleteBranch(state.folder, "wanted");
  expect(existsSync(branch.folder)).toBe(false);
});

describe("a killed command", () => {
  test("leaves a branch that the next one uses, and stops", async () => {
    const victim = await startHolder("shared");
    await victim.kill("SIGKILL");
    expect(server()?.ready).toBe(true);
    const next = await localTarget("shared");
    expect(next.url).toBe(victim.url);
    expect(await works(next.url)).toBe(true);
    await until(async () => (await leases(next.url)) === 1, "the server has noticed the victim's death");
    await next.release();
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "by %s stops the server on its way out",
    async (signal) => {
      const victim = await startHolder("shared");
      await victim.kill(signal);
      expect(victim.process.exitCode).toBe(130);
    },
  );
});

describe("a killed server", () => {
  test("is started again by the next command, even while one of its sessions lingers", async () => {
    const before = await localTarget("shared");
    const client = new pg.Client(before.url);
    client.on("error", () => undefined);
    await client.connect();
    await killServer();
    const next = await localTarget("shared");
    expect(await works(next.url)).toBe(true);
    await before.release();
    expect(server()?.ready, "the lost lease of the first server does not stop the second").toBe(true);
    await next.release();
  });

  test("does not bring its users down", async () => {
    const user = await startHolder("shared");
    await killServer();
    await user.finish();
    expect(user.process.exitCode).toBe(0);
  });

  test("is started again after a reboot that gave its process id to somebody else", async () => {
    const first = await localTarget("shared");
    await killServer();
    await first.release();
    const stranger = spawn("sleep", ["60"], { ...asUser(serverUser()), stdio: "ignore", cwd: "/" });
    const lockFile = join(data, "postmaster.pid");
    const [, ...rest] = readFileSync(lockFile, "utf8").split("\n");
    writeFileSync(lockFile, [stranger.pid, ...rest].join("\n"));
    expect(server()).toBeNull();
    const next = await localTarget("shared");
    expect(await works(next.url)).toBe(true);
    expect(server()?.pid).not.toBe(stranger.pid);
    await next.release();
    stranger.kill();
  });
});

describe("a postmaster.pid that says nothing, as a full disk or a power cut leaves it,", () => {
  const lockFile = () => join(data, "postmaster.pid");
  const spoil = (content: string) => {
    writeFileSync(lockFile(), content);
    // the server's, who refuses somebody else's too
    const { uid, gid } = statSync(data);
    chownSync(lockFile(), uid, gid);
    chmodSync(lockFile(), 0o600);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(lockFile(), longAgo, longAgo);
  };

  test.each([
    ["empty", ""],
    ["of zero bytes", "\0\0\0\0"],
    ["with a line of nothing", "\n"],
  ])("%s, does not keep the branch from starting", async (_, content) => {
    spoil(content);
    const next = await localTarget("shared");
    expect(await works(next.url)).toBe(true);
    await next.release();
  });

  test("is left alone while a server runs on the folder all the same", async () => {
    const running = await localTarget("shared");
    const whole = readFileSync(lockFile());
    const before = server();
    spoil("");
    expect(removeBogusLock(data)).toBe(false);
    expect(await works(running.url)).toBe(true);
    writeFileSync(lockFile(), whole);
    expect(server()).toEqual(before);
    await running.release();
  });
});

test("a port that somebody else has taken meanwhile is replaced", async () => {
  const first = await localTarget("shared");
  await first.release();
  const { createServer } = await import("node:net");
  const squatter = createServer().listen(port(first.url), "127.0.0.1");
  const second = await localTarget("shared");
  expect(port(second.url)).not.toBe(port(first.url));
  expect(await works(second.url)).toBe(true);
  await second.release();
  squatter.close();
});

test("an open lease alone does not keep a process alive", async () => {
  const forgetful = spawn(
    process.execPath,
    [
      ...["--import", join(import.meta.dirname, "support/typescript.mjs"), "--input-type=module", "--eval"],
      `const { localTarget } = await import(${JSON.stringify(join(import.meta.dirname, "../../harness/targets/local/target.ts"))});
       await localTarget("shared");`,
    ],
    { stdio: "inherit" },
  );
  const code = await new Promise((resolve) => forgetful.once("exit", resolve));
  expect(code).toBe(0);
  await (await localTarget("shared")).release();
});

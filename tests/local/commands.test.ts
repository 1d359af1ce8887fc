import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { perform } from "../../harness/command-line/program.ts";
import create from "../../harness/commands/branch/create.ts";
import remove from "../../harness/commands/branch/delete.ts";
import list from "../../harness/commands/branch/list.ts";
import start from "../../harness/commands/branch/start.ts";
import stop from "../../harness/commands/branch/stop.ts";
import url from "../../harness/commands/branch/url.ts";
import { readPostmaster } from "../../harness/targets/local/postmaster.ts";
import { existsLocally, localTarget } from "../../harness/targets/local/target.ts";
import { type TemporaryState, temporaryState } from "./support/state.ts";

const verb = (command: typeof create) => (name: string, options?: Record<string, unknown>) =>
  perform(command, options, [name]);
const branch = {
  create: verb(create),
  start: verb(start),
  stop: verb(stop),
  url: verb(url),
  remove: verb(remove),
  list: (options?: Record<string, unknown>) => perform(list, options),
};

let state: TemporaryState;
beforeAll(() => {
  state = temporaryState();
});
afterAll(() => state.remove());

let stdout = "";
let stderr = "";
beforeEach(() => {
  stdout = "";
  stderr = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout += text;
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += text;
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const data = (name: string) => join(state.folder, "branches", name, "data");
const running = (name: string) => readPostmaster(data(name)) !== null;

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: "array" });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

describe("a branch's life", () => {
  test("no branches at first", async () => {
    await branch.list();
    expect(stdout).toContain("harness branch create NAME");
    stdout = "";
    await branch.list({ json: true });
    expect(JSON.parse(stdout)).toEqual({ schemaVersion: 1, branches: [] });
  });

  test("create makes it without starting it, with secrets that only its owner can read", async () => {
    await branch.create("preview-1", { flavor: "neon", pg: "17" });
    expect(stdout).toBe("Created branch preview-1 (neon, PostgreSQL 17). Commands start it on demand.\n");
    expect(running("preview-1")).toBe(false);
    const record = join(state.folder, "branches/preview-1/branch.json");
    expect(statSync(record).mode & 0o777).toBe(0o600);
    expect(statSync(data("preview-1")).mode & 0o777).toBe(0o700);
    const { passwords } = JSON.parse(readFileSync(record, "utf8"));
    expect(passwords.owner).toMatch(/^[0-9a-f]{32}$/);
    expect(passwords.owner).not.toBe(passwords.superuser);
  });

  test("create refuses a name that is taken", async () => {
    await expect(branch.create("preview-1")).rejects.toMatchObject({ code: "branch-exists" });
  });

  test("start keeps it running, list shows it without its password, and a second start changes nothing", async () => {
    await branch.start("preview-1");
    const port = readPostmaster(data("preview-1"))?.port;
    expect(stdout).toBe(`Branch preview-1 is now running, on 127.0.0.1:${port}.\n`);
    stdout = "";
    await branch.start("preview-1");
    expect(stdout).toBe(`Branch preview-1 was already running, on 127.0.0.1:${port}.\n`);
    stdout = "";
    await branch.list({ json: true });
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      branches: [{ name: "preview-1", state: "started", flavor: "neon", pg: 17, port }],
    });
    stdout = "";
    await branch.list();
    expect(stdout.split("\n")[1]).toMatch(/^preview-1 +started +neon +17 +\d+$/);
  });

  test("an explicitly started branch outlives the commands that use it", async () => {
    const target = await localTarget("preview-1");
    await target.release();
    await target.release();
    expect(running("preview-1")).toBe(true);
  });

  test("stop stops it, and the next start has the same port and data", async () => {
    const before = readPostmaster(data("preview-1"))?.port;
    const first = await localTarget("preview-1");
    await ask(first.url, "create table kept as select 42 as answer");
    await first.release();
    await branch.stop("preview-1");
    expect(stdout).toBe("Stopped branch preview-1.\n");
    expect(running("preview-1")).toBe(false);
    stdout = "";
    await branch.stop("preview-1");
    expect(stdout).toBe("Branch preview-1 is not running.\n");
    const again = await localTarget("preview-1");
    expect(readPostmaster(data("preview-1"))?.port).toBe(before);
    expect(await ask(again.url, "select answer from kept")).toBe(42);
    await again.release();
    expect(running("preview-1"), "stopped with its last user").toBe(false);
  });

  test("url prints the URL and nothing else on stdout, and the URL works", async () => {
    await branch.url("preview-1");
    expect(stderr).toBe("Branch preview-1 now stays running. To stop it: harness branch stop preview-1\n");
    expect(stdout).toMatch(/^postgres:\/\/neondb_owner:[0-9a-f]{32}@127\.0\.0\.1:\d+\/neondb\n$/);
    expect(await ask(stdout.trim(), "select current_user")).toBe("neondb_owner");
    stderr = "";
    await branch.url("preview-1");
    expect(stderr).toBe("");
  });

  test("delete stops it and leaves nothing of it", async () => {
    expect(running("preview-1")).toBe(true);
    await branch.remove("preview-1");
    expect(stdout).toBe("Deleted branch preview-1.\n");
    expect(existsSync(join(state.folder, "branches/preview-1"))).toBe(false);
    await branch.list({ json: true });
    expect(stdout).toContain('"branches": []');
    await expect(branch.remove("preview-1")).rejects.toMatchObject({ code: "unknown-branch" });
  });
});

describe("names", () => {
  test("main is made on demand", async () => {
    expect(existsLocally("main")).toBe(false);
    const target = await localTarget("main");
    expect(await ask(target.url, "select current_database()")).toBe("neondb");
    expect(target).toMatchObject({ branch: "main", provider: "local" });
    await target.release();
    expect(existsLocally("main")).toBe(true);
  });

  test("any other is unknown until it is created; the hint says which there are and how to make it", async () => {
    const unknown = {
      code: "unknown-branch",
      hint: expect.stringMatching(/main.*harness branch create elsewhere/),
    };
    await expect(localTarget("elsewhere")).rejects.toMatchObject(unknown);
    for (const verb of [branch.start, branch.url, branch.stop, branch.remove]) {
      await expect(verb("elsewhere")).rejects.toMatchObject(unknown);
    }
    const target = await localTarget("elsewhere", { create: true, flavor: "plain" });
    expect(await ask(target.url, "select current_user")).toBe("app_owner");
    await target.release();
  });

  test("none can lead out of the state folder", async () => {
    const verbs = [branch.create, branch.start, branch.url, branch.stop, branch.remove, localTarget];
    for (const verb of verbs) {
      await expect(verb("../main")).rejects.toMatchObject({ code: "bad-branch-name" });
    }
    expect(() => existsLocally("../main")).toThrowError(expect.objectContaining({ code: "bad-branch-name" }));
  });
});

test("a flavor or a version that is not there is refused, naming those that are", async () => {
  await expect(branch.create("x", { flavor: "oracle" })).rejects.toMatchObject({
    code: "unknown-flavor",
    hint: "Choose one of neon, plain.",
  });
  await expect(branch.create("x", { pg: "9.6" })).rejects.toMatchObject({
    code: "unsupported-version",
    hint: expect.stringContaining("17"),
  });
});

test("a damaged branch is shown as such, reported with the cure, and can be deleted", async () => {
  await branch.create("damaged");
  writeFileSync(join(state.folder, "branches/damaged/branch.json"), "{");
  stdout = "";
  await branch.list();
  expect(stdout).toMatch(/^damaged +damaged +-/m);
  await expect(localTarget("damaged")).rejects.toMatchObject({
    code: "damaged-branch",
    hint: expect.stringContaining("harness branch delete damaged"),
  });
  await branch.remove("damaged");
  expect(existsLocally("damaged")).toBe(false);
});

test("a cluster that cannot start is reported in one line with Postgres's reason", async () => {
  await branch.create("broken");
  writeFileSync(join(data("broken"), "postgresql.conf"), "shared_buffers = 'plenty'\n");
  await expect(localTarget("broken")).rejects.toMatchObject({
    code: "server-did-not-start",
    message: expect.stringMatching(
      /^the server of the branch "broken" did not start: [^\n]*configuration file/,
    ),
    hint: expect.stringContaining("server.log"),
  });
});

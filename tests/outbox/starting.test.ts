import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { whileServerStarts } from "../../harness/outbox/while-server-starts.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startDispatcher, stopDispatcher } from "./support/dispatcher.ts";
import { addEvents, addTenants, statuses, until } from "./support/outbox.ts";

const { client, url } = await testDatabase();
const folder = temporaryFolder();
const [tenant = ""] = await addTenants(client, 1);
const target = new URL(url);

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** In front of the server: the first so many connections are cut after so many bytes, as by a server that shuts down or a pooler without one. */
async function listenBefore(cut: number, afterBytes: number, port = 0): Promise<URL> {
  let accepted = 0;
  const server = createServer((socket) => {
    const doomed = accepted++ < cut;
    const upstream = dial(Number(target.port), target.hostname);
    for (const one of [socket, upstream]) {
      sockets.add(one);
      one.on("error", () => undefined);
      one.on("close", () => {
        socket.destroy();
        upstream.destroy();
      });
    }
    let seen = 0;
    upstream.on("data", (chunk) => {
      seen += chunk.length;
      if (doomed && seen > afterBytes) socket.destroy();
      else socket.write(chunk);
    });
    socket.on("data", (chunk) => upstream.write(chunk));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address();
  const there = new URL(url);
  there.hostname = "127.0.0.1";
  there.port = String(typeof address === "object" ? address?.port : "");
  return there;
}

test.each([0, 20, 400, 600])(
  "a connection that breaks at the start, after %i bytes, is tried again",
  async (bytes) => {
    const before = Number((await statuses(client)).done ?? 0);
    const there = await listenBefore(3, bytes);
    const dispatcher = await startDispatcher(folder, there.href, ["--poll", "0.1"]);
    await addEvents(client, tenant, 2);
    await until(
      "they are delivered",
      () => statuses(client),
      ({ done }) => done === before + 2,
    );
    expect(dispatcher.stderr()).toMatch(/trying again in \d+ ms/);
    expect(dispatcher.stderr()).not.toContain("[bug]");
    expect(await stopDispatcher(dispatcher)).toBe(130);
  },
);

test("nobody answers yet", async () => {
  const there = await listenBefore(0, 0);
  const [server] = servers.splice(0);
  await new Promise((resolve) => server?.close(resolve));
  const lines: string[] = [];
  const answer = await whileServerStarts(
    (line) => {
      if (lines.push(line) === 2) void listenBefore(0, 0, Number(there.port));
    },
    async () => {
      const late = await connect(there.href, { purpose: "test" });
      const { rows } = await late.query("select 1 as one");
      await late.end();
      return rows[0].one;
    },
  );
  expect(answer).toBe(1);
  expect(lines[0]).toMatch(/^no server answers at .*; trying again in 250 ms$/);
});

test("what does not pass by itself ends it at once, in one line", async () => {
  const wrong = new URL(url);
  wrong.pathname = "/no_such_database";
  const started = await harness([
    "outbox",
    "dispatch",
    "--database-url",
    wrong.href,
    "--handler",
    import.meta.filename,
  ]);
  expect(started.stderr).toMatch(/\[bad-handler\]\n$/);
  const { status, stderr } = await harness([
    ...["outbox", "dispatch", "--database-url", wrong.href],
    ...["--handler", `${folder}/handler.mjs`],
  ]);
  expect(stderr).toMatch(/^harness: .*\[unknown-database\]\n$/);
  expect(status).toBe(2);
});

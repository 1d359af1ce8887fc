import { createServer, type Server, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { describeError } from "../../harness/command-line/run.ts";
import { HarnessError } from "../../harness/core/errors.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { explainConnectionError } from "../../harness/targets/session/explain-error.ts";

const password = "tr0ub@dor/";

/** A TCP server that is not Postgres; its port. Each new connection is handed to `greet`. */
async function listen(greet: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    greet(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  });
  return { server, port: (server.address() as { port: number }).port };
}

function url(port: number, query = ""): string {
  return `postgres://app:${encodeURIComponent(password)}@127.0.0.1:${port}/shop${query}`;
}

/** How the failure to connect is printed; nothing of the password may be in it, not even in the causes. */
async function failure(target: string): Promise<{ code: string; line: string }> {
  const error = await connect(target, { purpose: "test" }).then(
    (client) => client.end(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HarnessError);
  const { code, exitCode, cause } = error as HarnessError;
  expect(exitCode).toBe(2);
  expect(cause).toBeInstanceOf(Error);
  expect(describeError(error, true)).not.toMatch(/tr0ub/);
  const line = describeError(error);
  expect(line).not.toContain("\n");
  return { code, line };
}

/** An ErrorResponse as Postgres sends it. */
function refusal(sqlstate: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C${sqlstate}\0M${message}\0\0`);
  const head = Buffer.alloc(5, "E");
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

const sslRequest = 80_877_103;

test("a closed port", async () => {
  const { server, port } = await listen(() => undefined);
  await new Promise((resolve) => server.close(resolve));
  const { code, line } = await failure(url(port));
  expect(code).toBe("connection-refused");
  expect(line).toBe(
    `harness: no server answers at 127.0.0.1:${port}. Start it, or check the host and the port. [connection-refused]`,
  );
});

test("a Unix socket that is not there", async () => {
  const { code, line } = await failure("postgres://app@/shop?host=/nowhere/at/all");
  expect(code).toBe("connection-refused");
  expect(line).toContain("/nowhere/at/all:5432");
});

test("a host that does not exist", async () => {
  const { code, line } = await failure("postgres://app:tr0ub@db.harness.invalid/shop?sslmode=disable");
  expect(code).toBe("unknown-host");
  expect(line).toContain("the host db.harness.invalid ");
});

describe("a server that closes the connection", () => {
  test.each(["?sslmode=disable", "?sslmode=require"])("at once, %s", async (query) => {
    const { port } = await listen((socket) => socket.end());
    const { code, line } = await failure(url(port, query));
    expect(code).toBe("connection-lost");
    expect(line).toContain(`the server at 127.0.0.1:${port} closed the connection`);
  });

  test("with a reset", async () => {
    const { port } = await listen((socket) => socket.once("data", () => socket.resetAndDestroy()));
    expect((await failure(url(port))).code).toBe("connection-lost");
  });
});

test.each(["?sslmode=disable", "?sslmode=require"])("a server that never answers, %s", async (query) => {
  const { port } = await listen((socket) => socket.resume());
  const { code, line } = await failure(url(port, `${query}&connect_timeout=1`));
  expect(code).toBe("unreachable-host");
  expect(line).toContain(`127.0.0.1:${port} does not answer`);
});

test("a server that speaks something else", async () => {
  const { port } = await listen((socket) =>
    socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
  );
  expect((await failure(url(port, "?sslmode=require"))).code).toBe("connection-lost");
  expect((await failure(url(port, "?sslmode=disable"))).code).toBe("connection-lost");
});

describe("encryption", () => {
  /** Refuses TLS, as a server without certificate does, and every login, saying which kind of connection it was. */
  const plainOnly = () =>
    listen((socket) =>
      socket.on("data", (data) => {
        if (data.length === 8 && data.readInt32BE(4) === sslRequest) socket.write("N");
        else socket.end(refusal("28P01", "password authentication failed"));
      }),
    );

  test("is not given up for require", async () => {
    const { port } = await plainOnly();
    const { code, line } = await failure(url(port, "?sslmode=require"));
    expect(code).toBe("no-encryption");
    expect(line).toContain("sslmode=prefer");
  });

  test("is given up for prefer, and the answer is that of the second attempt", async () => {
    const { port } = await plainOnly();
    expect((await failure(url(port, "?sslmode=prefer"))).code).toBe("wrong-password");
  });

  test("is tried for allow when plain text is refused, and not for disable", async () => {
    const seen: string[] = [];
    const { port } = await listen((socket) =>
      socket.once("data", (data) => {
        const tls = data.readInt32BE(4) === sslRequest;
        seen.push(tls ? "tls" : "plain");
        socket.end(tls ? "N" : refusal("28000", "no pg_hba.conf entry, no encryption"));
      }),
    );
    expect((await failure(url(port, "?sslmode=allow"))).code).toBe("no-encryption");
    expect(seen.splice(0)).toEqual(["plain", "tls"]);
    const { code, line } = await failure(url(port, "?sslmode=disable"));
    expect(seen).toEqual(["plain"]);
    expect(code).toBe("login-refused");
    expect(line).toContain('refuses role "app": no pg_hba.conf entry, no encryption');
  });
});

test.each([
  ["28P01", "wrong-password"],
  ["3D000", "unknown-database"],
  ["53300", "too-many-connections"],
  ["57P03", "server-starting"],
  ["42501", "login-refused"],
  ["XX000", "connection-failed"],
])("the server's refusal %s", async (sqlstate, expected) => {
  const { port } = await listen((socket) => socket.once("data", () => socket.end(refusal(sqlstate, "no"))));
  expect((await failure(url(port, "?sslmode=disable"))).code).toBe(expected);
});

test.each([
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match certificate's altnames"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"],
])("a certificate that fails with %s", (code, message) => {
  const error = explainConnectionError(Object.assign(new Error(message), { code }), {
    host: "::1",
    port: 5432,
  });
  expect(error.code).toBe("untrusted-certificate");
  expect(error.message).toContain(`[::1]:5432 is not trusted: ${message}`);
});

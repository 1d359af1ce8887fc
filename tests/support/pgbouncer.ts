import { spawn, spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll } from "vitest";
import { connect } from "../../harness/targets/session/connection.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

/** PgBouncer is a program of the operating system, which not every machine has. */
export const hasPgbouncer = spawnSync("pgbouncer", ["--version"]).status === 0;

/** The URL of a pooler before this server, which nothing in its name tells; it ends with the test file. */
export async function pooledUrl(serverUrl: string, mode: "transaction" | "session"): Promise<string> {
  const server = new URL(serverUrl);
  const port = await freePort();
  const file = join(temporaryFolder(), "pgbouncer.ini");
  const settings = [
    "[databases]",
    `* = host=${server.hostname} port=${server.port} user=${server.username} password=${decodeURIComponent(server.password)}`,
    "[pgbouncer]",
    "listen_addr=127.0.0.1",
    `listen_port=${port}`,
    "unix_socket_dir=",
    "auth_type=any",
    `pool_mode=${mode}`,
    "default_pool_size=2",
  ];
  writeFileSync(file, settings.join("\n"));
  chmodSync(join(file, ".."), 0o755);
  chmodSync(file, 0o644);
  // refuses to run as root
  const asRoot = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const pooler = spawn("pgbouncer", [...asRoot, file], { stdio: "ignore" });
  afterAll(() => void pooler.kill("SIGKILL"));
  const url = `postgres://anybody@127.0.0.1:${port}${server.pathname}`;
  await until(async () => {
    const client = await connect(url, { purpose: "test" }).catch(() => null);
    await client?.end();
    return client !== null;
  }, "PgBouncer answers");
  return url;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(address && typeof address === "object" ? address.port : 0));
    });
  });
}

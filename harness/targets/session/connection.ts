import type { ClientConfig } from "pg";
import pg from "pg";
import { HarnessError } from "../../core/errors.ts";
import { parseConnectionUrl, type SslMode } from "./connection-url.ts";
import { explainConnectionError } from "./explain-error.ts";

export const connectTimeoutMs = 10_000;
/** Major version. */
export const oldestServer = 14;

export interface ConnectOptions {
  /** What shows up in pg_stat_activity, after `harness `. */
  purpose: string;
  /** Another database on the same server. */
  database?: string;
}

/** pg's settings for a URL: everything but the safety limits, which each transaction brings along. */
export function clientConfig(url: string, { purpose, database }: ConnectOptions): ClientConfig {
  const { sslmode: _, connectTimeoutMs: asked, options, ...parsed } = parseConnectionUrl(url);
  return {
    ...parsed,
    ...(database ? { database } : {}),
    ...(options ? { options } : {}),
    application_name: `harness ${purpose}`,
    connectionTimeoutMillis: asked ?? connectTimeoutMs,
    keepAlive: true,
  };
}

/** An open connection, or a HarnessError that says in one line why there is none (`server-too-old` among others). */
export async function connect(url: string, options: ConnectOptions): Promise<pg.Client> {
  const { sslmode } = parseConnectionUrl(url);
  const config = clientConfig(url, options);
  try {
    return await open(config).catch((error) => {
      const second = otherWayIn(error, sslmode, config);
      if (!second) throw error;
      return open(second);
    });
  } catch (error) {
    throw error instanceof HarnessError ? error : explainConnectionError(error, config);
  }
}

/** What libpq tries next when a server refuses the first way in: plain text for `prefer`, TLS for `allow`. */
function otherWayIn(error: unknown, sslmode: SslMode, config: ClientConfig): ClientConfig | null {
  const { code, message } = error as { code?: string; message?: string };
  if (sslmode === "prefer" && message === "The server does not support SSL connections") {
    return { ...config, ssl: false };
  }
  // 28000 is a pg_hba.conf without a line for plain text
  if (sslmode === "allow" && code === "28000") return { ...config, ssl: { rejectUnauthorized: false } };
  return null;
}

async function open(config: ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config);
  // A connection that breaks while idle must not end the process: the next query reports it.
  client.on("error", () => undefined);
  const announced = announcements(client);
  try {
    await client.connect();
    refuseOldServer(announced.server_version ?? "");
    // A whole message is read by the setting that it finds, so that no transaction can set it in time. On is what every server starts with.
    if (announced.standard_conforming_strings === "off")
      await client.query("set standard_conforming_strings = on");
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** What the server announces while a connection is made, which costs no question: its version, and some settings. */
function announcements(client: pg.Client): Record<string, string> {
  const announced: Record<string, string> = {};
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  connection.on("parameterStatus", ({ parameterName, parameterValue }: Record<string, string>) => {
    if (parameterName) announced[parameterName] = parameterValue ?? "";
  });
  return announced;
}

/** @throws HarnessError `server-too-old` */
export function refuseOldServer(version: string): void {
  if (version === "" || Number.parseInt(version, 10) >= oldestServer) return; // a pooler may announce nothing
  throw new HarnessError({
    code: "server-too-old",
    message: `this server is PostgreSQL ${version}`,
    hint: `harness needs PostgreSQL ${oldestServer} or newer.`,
  });
}

import type { ClientConfig } from "pg";
import pg from "pg";
import { HarnessError } from "../core/errors.ts";
import { parseConnectionUrl } from "./connection-url.ts";
import { explainConnectionError } from "./explain-error.ts";

export const connectTimeoutMs = 10_000;

export interface ConnectOptions {
  /** What shows up in pg_stat_activity, after `harness `. */
  purpose: string;
  /** Another database on the same server. */
  database?: string;
}

/** pg's settings for a URL: everything but the safety limits, which each transaction brings along. */
export function clientConfig(url: string, { purpose, database }: ConnectOptions): ClientConfig {
  const { sslmode: _, ssl, ...parsed } = parseConnectionUrl(url);
  return {
    ...parsed,
    ...(database ? { database } : {}),
    ssl,
    application_name: `harness ${purpose}`,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  };
}

/** An open connection, or a HarnessError that says in one line why there is none. */
export async function connect(url: string, options: ConnectOptions): Promise<pg.Client> {
  const { sslmode } = parseConnectionUrl(url);
  const config = clientConfig(url, options);
  try {
    return await open(config);
  } catch (error) {
    const unencrypted =
      error instanceof Error && error.message === "The server does not support SSL connections";
    if (unencrypted && sslmode === "prefer") {
      return open({ ...config, ssl: false }).catch((second) =>
        Promise.reject(explainConnectionError(second, config)),
      );
    }
    throw error instanceof HarnessError ? error : explainConnectionError(error, config);
  }
}

async function open(config: ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config);
  // A connection that breaks while idle must not end the process: the next query reports it.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

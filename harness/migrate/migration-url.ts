import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { isPooled } from "../targets/session/connection-url.ts";
import { isTransactionPooler } from "../targets/session/pooler.ts";

/**
 * @throws HarnessError `pooled-url`: behind a transaction pooler the migration lock stays behind and blocks every later run
 */
export function refusePooledUrl(url: string): void {
  if (isPooled(url)) throw pooled(url, "Use the branch's direct URL: the host without -pooler.");
}

/**
 * The same for a pooler whose name does not say so, found out by asking it.
 * @throws HarnessError `pooled-url`
 */
export async function refusePooler(client: Client, url: string): Promise<void> {
  refusePooledUrl(url);
  if (await isTransactionPooler(client, url)) {
    throw pooled(url, "Use the direct URL: the server's own host and port.");
  }
}

function pooled(url: string, hint: string): HarnessError {
  return new HarnessError({
    code: "pooled-url",
    message: `${new URL(url).host} is a transaction pooler, through which this must not run`,
    hint,
  });
}

/**
 * The URL for graphile-migrate. What sslmode means there differs from libpq, so that we hand over what our own connection to
 * the server came to: encrypted or not, with libpq's meaning.
 */
export function migrationUrl(url: string, client: Client, database?: string): string {
  const parsed = new URL(url);
  if (database) parsed.pathname = `/${encodeURIComponent(database)}`;
  const encrypted = Boolean(
    (client as unknown as { connection: { stream: { encrypted?: boolean } } }).connection.stream.encrypted,
  );
  parsed.searchParams.delete("channel_binding");
  parsed.searchParams.delete("application_name"); // by which we find the child's sessions
  if (!encrypted) {
    parsed.searchParams.set("sslmode", "disable");
  } else {
    const mode = parsed.searchParams.get("sslmode");
    parsed.searchParams.set("sslmode", !mode || mode === "prefer" ? "require" : mode);
    parsed.searchParams.set("uselibpqcompat", "true");
  }
  return parsed.href;
}

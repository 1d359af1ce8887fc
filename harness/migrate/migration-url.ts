import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { isPooled } from "../database/connection-url.ts";

/**
 * @throws HarnessError `pooled-url`: behind a transaction pooler the migration lock stays behind and blocks every later run
 */
export function refusePooledUrl(url: string): void {
  if (!isPooled(url)) return;
  const { hostname } = new URL(url);
  throw new HarnessError({
    code: "pooled-url",
    message: `${hostname} is a transaction pooler, through which migrations must not run`,
    hint: "Use the branch's direct URL: the host without -pooler.",
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
  if (!encrypted) {
    parsed.searchParams.set("sslmode", "disable");
  } else {
    const mode = parsed.searchParams.get("sslmode");
    parsed.searchParams.set("sslmode", !mode || mode === "prefer" ? "require" : mode);
    parsed.searchParams.set("uselibpqcompat", "true");
  }
  return parsed.href;
}

import type { Client } from "pg";
import pg from "pg";
import { onExit } from "../core/cleanup.ts";
import { migrationUrl } from "./migration-url.ts";

/** With a shadow database for graphile-migrate, beside the branch's own; it is dropped afterwards. */
export async function onShadow<T>(
  client: Client,
  url: string,
  work: (env: Record<string, string>) => Promise<T>,
): Promise<T> {
  const shadow = `harness_shadow_${process.pid}`;
  const drop = onExit(async () => {
    await client.query(`drop database if exists ${pg.escapeIdentifier(shadow)}`);
  });
  try {
    return await work({
      DATABASE_URL: migrationUrl(url, client),
      SHADOW_DATABASE_URL: migrationUrl(url, client, shadow),
      ROOT_DATABASE_URL: migrationUrl(url, client, "postgres"),
      DATABASE_OWNER: client.user ?? "",
    });
  } finally {
    await drop();
  }
}

import { randomUUID } from "node:crypto";
import type { Client } from "pg";
import { onExit } from "../core/cleanup.ts";
import { createDatabase, dropDatabase } from "../sql/databases.ts";
import { onConnection } from "../targets/session/on-connection.ts";
import { urlOf } from "../targets/session/url-of.ts";

/** With a database of one's own on the same server, a copy of `from` or empty, that is built first and dropped afterwards. */
export async function onDraft<T>(
  admin: Client,
  url: string,
  from: string | undefined,
  build: (client: Client, url: string) => Promise<void>,
  work: (name: string) => Promise<T>,
): Promise<T> {
  const draft = `harness_draft_${randomUUID().slice(0, 8)}`;
  const drop = onExit(() => dropDatabase(admin, draft));
  try {
    await createDatabase(admin, draft, from);
    const draftUrl = urlOf(url, draft);
    await onConnection(draftUrl, "template", (client) => build(client, draftUrl));
    return await work(draft);
  } finally {
    await drop();
  }
}

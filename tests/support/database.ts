import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import { afterAll, inject } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { createDatabase, dropDatabase } from "../../harness/sql/databases.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";

export interface TestDatabase {
  url: string;
  name: string;
  /** Connected as the owner. */
  client: Client;
}

/** A database of one's own for a test file, cloned from the migrated template (or empty); it goes with the file. */
export async function testDatabase(kind: "migrated" | "empty" = "migrated"): Promise<TestDatabase> {
  const name = `test_${randomUUID().slice(0, 8)}`;
  const admin = await connect(inject("serverUrl"), { purpose: "test", database: "postgres" });
  await createDatabase(admin, name, kind === "migrated" ? inject("template") : undefined);
  const url = urlOf(inject("serverUrl"), name);
  const client = await connect(url, { purpose: "test" });
  afterAll(async () => {
    await client.end();
    await dropDatabase(admin, name);
    await admin.end();
  });
  return { url, name, client };
}

/** Three restaurants with everything that belongs to them; their guests are sealed under the key given. */
export async function loadDemoData(client: Client, key = randomBytes(32).toString("hex")): Promise<void> {
  await client.query("begin");
  await client.query("select set_config('app.pii.key', $1, true)", [key]);
  await client.query(readFileSync(join(packageRoot, "scripts/demo-data.sql"), "utf8"));
  await client.query("commit");
}

import type { ClientBase } from "pg";
import { HarnessError } from "../core/errors.ts";
import { readSqlFile } from "../sql/sql-file.ts";

export interface LogLeak {
  /** The setting that writes bind parameters to the server's log. */
  name: string;
  /** The setting that stops it. */
  cure: string;
}

/** Settings of the server by which the key would reach its log. */
export async function logLeaks(client: ClientBase): Promise<LogLeak[]> {
  return (await client.query<LogLeak>(readSqlFile("harness/pii/key-in-log.sql").text)).rows;
}

/** @throws HarnessError `key-would-be-logged` */
export async function refuseLoggedKey(client: ClientBase): Promise<void> {
  const [leak] = await logLeaks(client);
  if (!leak) return;
  throw new HarnessError({
    code: "key-would-be-logged",
    message: `${leak.name} makes this server write bind parameters to its log, and the key is one`,
    hint: `Let the server's administrator set ${leak.cure} (docs/runbooks/pii.md), then run this again.`,
  });
}

import type { ClientBase } from "pg";
import { HarnessError } from "../core/errors.ts";
import { compose } from "./compose.ts";
import { readSqlFile } from "./sql-file.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Refuses to run the functions of a schema with rights that their authors don't have: a pack is known by whose it is, not by its name.
 * @throws HarnessError `pack-of-another`
 */
export async function requireTrusted(client: ClientBase, schema: string): Promise<void> {
  const text = compose(readSqlFile("harness/sql/strangers-in-schema.sql")).text;
  const { rows } = await inTransaction(client, "read only", () => client.query(text, [schema]));
  const [stranger] = rows;
  if (!stranger) return;
  throw new HarnessError({
    code: "pack-of-another",
    message: `${stranger.object} belongs to ${stranger.owner}, and code of ${stranger.owner} would run with the rights of this login`,
    hint: `Connect as ${stranger.owner}.`,
  });
}

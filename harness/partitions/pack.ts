import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { readSqlFile, withIncludes } from "../database/sql-file.ts";
import { inTransaction } from "../database/transaction.ts";

const pack = "policies/partitions/install.sql";

export type PackState = "missing" | "older" | "current";

/**
 * Whether a database has the functions of policies/partitions/.
 * @throws HarnessError `partitions-schema-taken`, `partitions-pack-newer`
 */
export async function packState(client: Client): Promise<PackState> {
  const { rows } = await client.query<{ schema: boolean; version: boolean }>(
    `select to_regnamespace('partitions') is not null as schema, to_regprocedure('partitions.version()') is not null as version`,
  );
  if (!rows[0]?.schema) return "missing";
  if (!rows[0].version) {
    throw new HarnessError({
      code: "partitions-schema-taken",
      message: 'this database has a schema "partitions" that is something else',
      hint: "The functions of partition maintenance need that name: rename the other schema.",
    });
  }
  const installed = await client.query<{ version: number }>("select partitions.version()").catch((cause) => {
    throw new HarnessError({
      code: "partitions-not-yours",
      message: `role "${client.user}" may not use the schema partitions: ${cause.message}`,
      hint: "Connect as its owner, or let the owner grant USAGE on it and EXECUTE on its functions.",
      cause,
    });
  });
  const [have, want] = [installed.rows[0]?.version ?? 0, Number(readSqlFile(pack).header.version)];
  if (have > want) {
    throw new HarnessError({
      code: "partitions-pack-newer",
      message: `the schema partitions of this database is of version ${have}, and this harness has ${want}`,
      hint: "Use the newer harness.",
    });
  }
  return have < want ? "older" : "current";
}

/** The statements that install the functions; they may be repeated. */
export const packSql = (): string => withIncludes(readSqlFile(pack));

/**
 * Installs the functions where they are missing and renews older ones, in a transaction of its own.
 * @returns what it did; null if there was nothing to do
 */
export async function installPack(client: Client): Promise<"installed" | "renewed" | null> {
  const state = await packState(client);
  if (state === "current") return null;
  try {
    await inTransaction(client, "read write", () => client.query(packSql()), {
      // two at once would replace each other's functions
      first: "set local client_min_messages = warning; select pg_advisory_xact_lock(1885434484);",
      lockTimeoutMs: 30_000,
    });
  } catch (cause) {
    throw new HarnessError({
      code: "partitions-not-installed",
      message: `role "${client.user}" cannot install the schema partitions: ${(cause as Error).message}`,
      hint: "Connect as a role that may create schemas in this database; all that is installed belongs to it.",
      cause,
    });
  }
  return state === "missing" ? "installed" : "renewed";
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import { globSync } from "tinyglobby";
import { HarnessError } from "../core/errors.ts";
import { packageRoot } from "../core/project.ts";
import { type Pack, packNamed, readPacks } from "../sql/packs.ts";
import { inTransaction } from "../sql/transaction.ts";

const ownPack = (): Pack => packNamed(readPacks(packageRoot), "partitions");

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
  const installed = await client.query<{ version: string }>("select partitions.version()").catch((cause) => {
    throw new HarnessError({
      code: "partitions-not-yours",
      message: `role "${client.user}" may not use the schema partitions: ${cause.message}`,
      hint: "Connect as its owner, or let the owner grant USAGE on it and EXECUTE on its functions.",
      cause,
    });
  });
  const version = String(installed.rows[0]?.version);
  if (version === ownPack().version) return "current";
  if (version === "unversioned" || earlierVersions().has(version)) return "older";
  throw new HarnessError({
    code: "partitions-pack-newer",
    message: `the schema partitions of this database is of version ${version}, which this harness does not know`,
    hint: "Use the newer harness that has installed it. If it is a draft of yours: psql -f policies/partitions/install.sql.",
  });
}

/** The migrations of this package have every version that there was. */
function earlierVersions(): Set<string> {
  const texts = globSync("migrations/committed/*.sql", { cwd: packageRoot }).map((file) =>
    readFileSync(join(packageRoot, file), "utf8"),
  );
  const block = /^--! Included partitions\/version\.sql\n[\s\S]*?^return '(\w+)'/gm;
  return new Set(texts.flatMap((text) => [...text.matchAll(block)].map((match) => match[1] as string)));
}

/** The statements that install the functions; they may be repeated. */
export const packSql = (): string =>
  ownPack()
    .files.map(({ text }) => text)
    .join("\n");

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

import type { Client, DatabaseError } from "pg";
import { HarnessError } from "../core/errors.ts";
import type { PackFile } from "../sql/packs.ts";
import { inTransaction } from "../sql/transaction.ts";
import { graphileMigrate } from "./graphile.ts";
import { migrationUrl } from "./migration-url.ts";
import { inStaging } from "./staging.ts";
import { includes, type WorkingState } from "./working-state.ts";

/**
 * Applies what is not committed to a scratch database that has the committed migrations: current.sql first, as graphile-migrate would
 * run it, then the changed files of the packs that it does not include itself.
 * @throws HarnessError `policy-failed` with file and line, `migration-failed`
 */
export async function applyWorking(
  client: Client,
  { root, url }: { root: string; url: string },
  { current, changed }: WorkingState,
): Promise<void> {
  if (current !== "") {
    await inStaging(root, current, (staging) =>
      graphileMigrate({
        command: "current",
        root: staging,
        client,
        env: { DATABASE_URL: migrationUrl(url, client) },
      }),
    );
  }
  await installFiles(
    client,
    changed.filter(({ path }) => !includes(current, path)),
  );
}

/**
 * Runs files of packs, one after the other in one transaction.
 * @throws HarnessError `policy-failed`
 */
export async function installFiles(client: Client, files: PackFile[]): Promise<void> {
  await inTransaction(
    client,
    "read write",
    async () => {
      for (const { path, text } of files) {
        await client.query(text).catch((error: DatabaseError) => {
          throw explain(error, path, text);
        });
      }
    },
    { first: "set local client_min_messages = warning", lockTimeoutMs: 10_000 },
  );
}

function explain(cause: DatabaseError, path: string, text: string): Error {
  if (!cause.code) return cause;
  // counted in characters, not in the units of a string
  const before = cause.position && [...text].slice(0, Number(cause.position)).join("");
  const line = before ? `, line ${before.split("\n").length}` : "";
  return new HarnessError({
    code: "policy-failed",
    message: `policies/${path}${line}: ${cause.message} (${cause.code})`,
    hint: cause.hint ?? cause.where?.split("\n")[0] ?? "Nothing of it was applied.",
    cause,
  });
}

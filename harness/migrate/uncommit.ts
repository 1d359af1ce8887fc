import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { graphileMigrate } from "./graphile.ts";
import { hashesOf, requireUnedited, writeHashes } from "./hashes.ts";
import { committedMigrations, mendLinks } from "./layout.ts";
import { onShadow } from "./shadow.ts";
import { inStaging } from "./staging.ts";
import { withoutPacks, workingState } from "./working-state.ts";

/**
 * Takes the last migration back: what its author wrote is in current.sql again, what came from packs is a change of them again, and
 * the branch's ledger forgets it. What it did in the database stays. If it fails or is killed, the files are as they were.
 * @returns the name of the file that is gone
 * @throws HarnessError `nothing-to-uncommit`, `current-not-blank`, `migrations-edited`, `migration-failed`
 */
export async function uncommitMigration(client: Client, root: string, url: string): Promise<string> {
  mendLinks(root);
  requireUnedited(root);
  const last = committedMigrations(root).at(-1);
  if (!last) {
    throw new HarnessError({ code: "nothing-to-uncommit", message: "no migration is committed" });
  }
  if (workingState(root).current !== "") {
    throw new HarnessError({
      code: "current-not-blank",
      message: `current.sql is not blank, and ${last.file} would take its place`,
      hint: "Commit it, or put it aside.",
    });
  }
  const current = await onShadow(client, url, (env) =>
    inStaging(root, "", async (staging) => {
      await keepingLedger(client, last.hash, () =>
        graphileMigrate({ command: "uncommit", root: staging, client, env }),
      );
      return readFileSync(join(staging, "migrations", "current.sql"), "utf8");
    }),
  );
  const text = withoutPacks(current);
  // What was written comes back before what was committed goes.
  if (text.replaceAll(/^--! Message: .*$/gm, "").trim() !== "")
    writeFileSync(join(root, "current.sql"), `${text}\n`);
  rmSync(join(root, "migrations", "committed", last.file), { force: true });
  writeHashes(root, hashesOf(root));
  return last.file;
}

/** graphile-migrate takes the migration out of the ledger before it tries the others on the shadow database: a failure puts it back. */
async function keepingLedger(client: Client, hash: string, work: () => Promise<void>): Promise<void> {
  const ledger = "graphile_migrate.migrations";
  const { rows } = await client.query<{ found: boolean }>("select to_regclass($1) is not null as found", [
    ledger,
  ]);
  const row = rows[0]?.found
    ? (await client.query(`select to_jsonb(m) as row from ${ledger} as m where m.hash = $1`, [hash])).rows[0]
        ?.row
    : undefined;
  try {
    await work();
  } catch (error) {
    const back = `insert into ${ledger} select * from jsonb_populate_record(null::${ledger}, $1) on conflict do nothing`;
    if (row) await client.query(back, [JSON.stringify(row)]);
    throw error;
  }
}

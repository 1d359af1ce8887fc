import type { Client } from "pg";
import { type CommittedMigration, committedMigrations } from "./layout.ts";

export type MigrationState =
  /** in the files and in the ledger, with one hash */
  | "applied"
  /** in the files only */
  | "pending"
  /** in both, but the file is not the one that was applied */
  | "changed"
  /** in the ledger only */
  | "missing";

export interface MigrationStatus {
  file: string;
  state: MigrationState;
  appliedAt: string | null;
}

interface LedgerRow {
  filename: string;
  hash: string;
  date: string;
}

/** Which migrations a branch has. Only reads: graphile-migrate's own `status` would create its ledger. */
export async function migrationStatus(client: Client, root: string): Promise<MigrationStatus[]> {
  const files = new Map(committedMigrations(root).map((migration) => [numberOf(migration.file), migration]));
  const ledger = new Map((await readLedger(client)).map((row) => [numberOf(row.filename), row]));
  const numbers = [...new Set([...files.keys(), ...ledger.keys()])].sort((a, b) => a - b);
  return numbers.map((number) => {
    const [file, row] = [files.get(number), ledger.get(number)];
    return {
      file: file?.file ?? row?.filename ?? "",
      state: stateOf(file, row),
      appliedAt: row?.date ?? null,
    };
  });
}

/** The ledger knows a migration by its number: the message in a file's name is not part of it. */
const numberOf = (file: string) => Number.parseInt(file, 10);

function stateOf(file: CommittedMigration | undefined, row: LedgerRow | undefined): MigrationState {
  if (!file) return "missing";
  if (!row) return "pending";
  return file.hash === row.hash ? "applied" : "changed";
}

async function readLedger(client: Client): Promise<LedgerRow[]> {
  const { rows } = await client.query(
    "select to_regclass('graphile_migrate.migrations') is not null as found",
  );
  if (!rows[0].found) return [];
  const ledger = await client.query(
    `select filename, hash, to_char(date at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as date
       from graphile_migrate.migrations order by filename`,
  );
  return ledger.rows;
}

import type { ClientBase } from "pg";
import { asJob, type Keys } from "./session.ts";
import type { Phase, ProtectedTable } from "./tables.ts";

/** Numbers of values of one protected column. */
export interface ColumnStatus {
  column: string;
  kind: string;
  rows: number;
  /** In clear, sealed too or not. */
  plaintext: number;
  sealed: number;
  /** In clear only. */
  unsealed: number;
  /** Sealed under a key that is not the tenant's present one. */
  stale: number;
  /** Sealed, and found by no look-up, since they are no address or number. */
  unsearchable: number;
}

/** Numbers of data keys. */
export interface KeyStatus {
  active: number;
  retiring: number;
  destroyed: number;
  /** Live keys that a second configured key opens: the configured key is being changed. */
  changing: number;
  /** Configured keys that live data keys are wrapped under: one, or two while it changes. */
  configured: number;
}

const limits = { statementTimeoutMs: 30 * 60_000 };

export function columnStatus(client: ClientBase, { table }: ProtectedTable): Promise<ColumnStatus[]> {
  return asJob(
    client,
    "read only",
    {},
    async () => {
      const { rows } = await client.query(
        `select column_name as "column", kind, total as "rows", plaintext, sealed, unsealed, stale, unsearchable
           from pii.status($1::regclass)`,
        [table],
      );
      const { column: _, kind: __, ...counts } = rows[0] ?? {};
      const numbers = Object.keys(counts);
      return rows.map((row) => ({
        ...row,
        ...Object.fromEntries(numbers.map((name) => [name, Number(row[name])])),
      }));
    },
    limits,
  );
}

export function keyStatus(client: ClientBase): Promise<KeyStatus> {
  return asJob(client, "read only", {}, async () => {
    const { rows } = await client.query<Record<string, string>>(
      `select count(*) filter (where state = 'active') as active, count(*) filter (where state = 'retiring') as retiring,
              count(*) filter (where state = 'destroyed') as destroyed, count(next_wrapped_under) as changing,
              count(distinct wrapped_under) as configured
         from pii.key_status()`,
    );
    const { active, retiring, destroyed, changing, configured } = rows[0] ?? {};
    return {
      active: Number(active),
      retiring: Number(retiring),
      destroyed: Number(destroyed),
      changing: Number(changing),
      configured: Number(configured),
    };
  });
}

/** How many values of a column are still to be done: sealed, sealed anew, or dropped in clear. */
export function toDo(phase: Phase, { unsealed, stale, plaintext }: ColumnStatus): number {
  return phase === "retiring" || phase === "retired" ? Math.max(plaintext, stale) : unsealed + stale;
}

/** What opening every value has shown. */
export interface Opened {
  /** Rows. */
  checked: number;
  /** Values that do not open. */
  damaged: number;
  /** Values that are not what stands in clear. */
  differing: number;
  /** Some of them, without their values. */
  problems: Problem[];
}

export interface Problem {
  tenant: string;
  id: string;
  column?: string;
  /** Null: it opens, and is not what stands in clear. */
  sqlstate: string | null;
}

const rowsAtATime = 5_000;
/** How many problems are kept: the first say what is wrong, the rest how much. */
export const problemsKept = 20;

/** Opens every sealed value, a batch a transaction. */
export async function openAll(
  client: ClientBase,
  { table }: ProtectedTable,
  keys: Keys,
  onRows: (rows: number) => void,
): Promise<Opened> {
  const opened: Opened = { checked: 0, damaged: 0, differing: 0, problems: [] };
  let position: [string | null, string | null] = [null, null];
  for (let finished = false; !finished; ) {
    const { rows } = await asJob(client, "read only", keys, () =>
      client.query("select * from pii.check_batch($1::regclass, $2, $3, $4)", [
        table,
        rowsAtATime,
        ...position,
      ]),
    );
    const [batch] = rows;
    opened.checked += batch.checked;
    opened.damaged += batch.damaged;
    opened.differing += batch.differing;
    opened.problems.push(...batch.problems.slice(0, problemsKept - opened.problems.length));
    position = [batch.last_tenant, batch.last_id];
    finished = batch.finished;
    onRows(batch.checked);
  }
  return opened;
}

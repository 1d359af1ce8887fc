import type { ClientBase } from "pg";
import { exitCodes, HarnessError } from "../core/errors.ts";
import { patiently } from "../sql/patience.ts";
import { asJob, type Keys } from "./session.ts";
import { columnStatus } from "./status.ts";
import type { ProtectedTable } from "./tables.ts";

/** How far a rotation has come, as the keys themselves tell it. */
export interface RotationState {
  /** Tenants with a live data key. */
  tenants: number;
  /** Tenants that have a new data key beside the old one. */
  rotating: number;
  /** Live data keys that a second configured key opens too. */
  changing: number;
  /** Live data keys that the key given does not open. */
  unopened: number;
}

/** @param key the one that is to open everything in the end */
export function rotationState(client: ClientBase, key: string): Promise<RotationState> {
  return asJob(client, "read only", { key }, async () => {
    const { rows } = await client.query<RotationState>(
      `select count(*) filter (where k.state = 'active')::int as tenants, count(k.replaces)::int as rotating,
              count(k.next_wrapped_under)::int as changing, pii.keys_left_behind()::int as unopened
         from pii.key_status() as k`,
    );
    return rows[0] ?? { tenants: 0, rotating: 0, changing: 0, unopened: 0 };
  });
}

/** Gives every tenant a new data key; how many that were. */
export const beginRotation = (client: ClientBase, keys: Keys) =>
  call(client, keys, "select pii.begin_rotation() as done");

/** Lets the next configured key open every data key that it does not open yet; how many that were. */
export const rewrap = (client: ClientBase, keys: Keys) => call(client, keys, "select pii.rewrap() as done");

/**
 * Destroys the old keys: a tenant a transaction, so that no tenant's writers wait for the others'. Everything is looked at
 * before the first one, so that it is not begun in vain.
 *
 * @returns how many tenants; and how many data keys the old configured key opened until now
 * @throws HarnessError `rotation-refused` while a value is under an old key, or the key does not open every data key
 */
export async function finishRotation(
  client: ClientBase,
  tables: readonly ProtectedTable[],
  key: string,
): Promise<{ tenants: number; keys: number }> {
  const { unopened } = await rotationState(client, key);
  if (unopened > 0) {
    throw refused(
      `HARNESS_PII_KEY does not open ${unopened} live data keys`,
      "Finish with the new key in HARNESS_PII_KEY; for tenants that came in between run harness pii rotate with both keys once more.",
    );
  }
  for (const table of tables) {
    const stale = (await columnStatus(client, table)).reduce((sum, column) => sum + column.stale, 0);
    if (stale > 0) {
      throw refused(
        `${stale} values of ${table.table} are still sealed under an old key`,
        "Run harness pii rotate until nothing is left; harness pii status counts.",
      );
    }
  }
  const { rows } = await asJob(client, "read only", {}, () =>
    client.query<{ tenant: string }>("select tenant from pii.rotating() order by tenant"),
  );
  let tenants = 0;
  for (const { tenant } of rows) {
    tenants += await call(client, { key }, "select pii.finish_rotation($1) as done", [tenant]);
  }
  tenants += await call(client, { key }, "select pii.finish_rotation() as done");
  const { changing } = await rotationState(client, key);
  const keys = changing > 0 ? await call(client, { key }, "select pii.finish_rewrap() as done") : 0;
  return { tenants, keys };
}

const refused = (message: string, hint: string) =>
  new HarnessError({ code: "rotation-refused", message, hint, exitCode: exitCodes.findings });

function call(client: ClientBase, keys: Keys, statement: string, values: unknown[] = []): Promise<number> {
  return patiently(() =>
    asJob(
      client,
      "read write",
      keys,
      async () => (await client.query<{ done: number }>(statement, values)).rows[0]?.done ?? 0,
      { statementTimeoutMs: 10 * 60_000 },
    ),
  );
}

import type { ClientBase } from "pg";
import { inTransaction, type Limits } from "../database/transaction.ts";
import { explainPiiError } from "./explain-pii-error.ts";

export interface Keys {
  key?: string | undefined;
  /** The one that comes after it, while the configured key changes. */
  nextKey?: string | undefined;
}

type Mode = "read only" | "read write";

/**
 * One transaction of the background job `pii`. The keys go to the server as bind parameters of a setting that ends with the
 * transaction. Nothing that fails repeats a parameter, neither in the log nor in the error, whatever the session's default is.
 *
 * @throws HarnessError (docs/pii.md says which)
 */
export function asJob<T>(
  client: ClientBase,
  mode: Mode,
  keys: Keys,
  work: () => Promise<T>,
  limits: Limits = {},
): Promise<T> {
  return transaction(client, mode, keys, limits, async () => {
    await client.query("select tenancy.set_job('pii'); set local role app_background");
    return work();
  });
}

/** The same as the owner of the tables, who alone changes their definition. */
export function asOwner<T>(
  client: ClientBase,
  mode: Mode,
  keys: Keys,
  work: () => Promise<T>,
  limits: Limits = {},
): Promise<T> {
  return transaction(client, mode, keys, limits, work);
}

async function transaction<T>(
  client: ClientBase,
  mode: Mode,
  { key, nextKey }: Keys,
  limits: Limits,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await inTransaction(
      client,
      mode,
      async () => {
        if (key) {
          await client.query("set local log_parameter_max_length_on_error = 0");
          await client.query(
            "select set_config('app.pii.key', $1, true), set_config('app.pii.next_key', $2, true)",
            [key, nextKey ?? ""],
          );
        }
        return work();
      },
      limits,
    );
  } catch (error) {
    throw explainPiiError(error);
  }
}

import type { ClientBase } from "pg";
import { becomeJob } from "../client/background-job.ts";
import { sendPiiKeys } from "../client/pii-key.ts";
import { inTransaction, type Limits, type Opening } from "../sql/transaction.ts";
import { explainPiiError } from "./explain-pii-error.ts";
import { refuseLoggedKey } from "./key-in-log.ts";

export interface Keys {
  key?: string | undefined;
  /** The one that comes after it, while the configured key changes. */
  nextKey?: string | undefined;
}

type Mode = "read only" | "read write";

/**
 * One transaction of the background job `pii`. The keys go to the server as bind parameters of a setting that ends with the
 * transaction.
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
  return transaction(client, mode, keys, work, { ...limits, first: becomeJob("pii") });
}

/** The same as the owner of the tables, who alone changes their definition. */
export function asOwner<T>(
  client: ClientBase,
  mode: Mode,
  keys: Keys,
  work: () => Promise<T>,
  limits: Limits = {},
): Promise<T> {
  return transaction(client, mode, keys, work, limits);
}

/**
 * Asks the server whether this is its key, before anything is done with it.
 *
 * @throws HarnessError `wrong-pii-key`
 */
export async function assertKey(client: ClientBase, key: string): Promise<void> {
  await refuseLoggedKey(client);
  await asJob(client, "read only", { key }, () => client.query("select pii.check_key()"));
}

async function transaction<T>(
  client: ClientBase,
  mode: Mode,
  { key, nextKey }: Keys,
  work: () => Promise<T>,
  opening: Opening,
): Promise<T> {
  const withKeys = async () => {
    if (key) await sendPiiKeys(client, key, nextKey);
    return work();
  };
  try {
    return await inTransaction(client, mode, withKeys, opening);
  } catch (error) {
    throw explainPiiError(error);
  }
}

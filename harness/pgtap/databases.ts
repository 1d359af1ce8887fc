import type { Client } from "pg";
import { onExit } from "../core/cleanup.ts";
import { createDatabase, dated, dropAbandoned, dropDatabase } from "../sql/databases.ts";
import { onConnection } from "../targets/session/on-connection.ts";
import { urlOf } from "../targets/session/url-of.ts";
import type { RunOptions } from "./run-files.ts";

const prefix = "harness_test_";

/** A clone of a template for each file: files neither see nor block each other, whatever they do. */
export async function onClones(
  admin: Client,
  url: string,
  template: string,
): Promise<RunOptions["withDatabase"]> {
  await dropAbandoned(admin, prefix);
  return async (work) => {
    const clone = dated(prefix);
    const drop = onExit(() => dropDatabase(admin, clone));
    try {
      await createDatabase(admin, clone, template);
      return await onConnection(urlOf(url, clone), "test", work);
    } finally {
      await drop();
    }
  };
}

/** The same database for all. */
export const onDatabase =
  (url: string): RunOptions["withDatabase"] =>
  (work) =>
    onConnection(url, "test", work);

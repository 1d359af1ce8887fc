import { randomUUID } from "node:crypto";
import type { Client } from "pg";
import { onExit } from "../core/cleanup.ts";
import { createDatabase, dropDatabase } from "../sql/databases.ts";
import { onConnection } from "../targets/session/on-connection.ts";
import { urlOf } from "../targets/session/url-of.ts";
import type { RunOptions } from "./run-files.ts";

/** A clone of a template for each file: files neither see nor block each other, whatever they do. */
export function onClones(admin: Client, url: string, template: string): RunOptions["withDatabase"] {
  return async (work) => {
    const clone = `harness_test_${randomUUID().slice(0, 8)}`;
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

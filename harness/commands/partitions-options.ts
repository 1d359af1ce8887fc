import type { DatabaseOptions } from "../command-line/database-options.ts";
import { badOption, oneOf } from "../command-line/option-values.ts";
import { actions, periods } from "../partitions/settings.ts";

export interface PartitionOptions extends DatabaseOptions {
  /** Seconds. */
  lockTimeout?: string | undefined;
  dryRun?: boolean | undefined;
}

/** @throws HarnessError `bad-option` */
export function premakeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,4}$/.test(text) && Number(text) <= 1000) return Number(text);
  throw badOption(
    `--premake ${JSON.stringify(text)} is not a number of periods from 0 to 1000`,
    "Leave it out for 3.",
  );
}

export const actionOf = (text: string | undefined) => oneOf("--expired", text, actions);
export const periodOf = (text: string | undefined) => oneOf("--period", text, periods);

/** DETACH … CONCURRENTLY and what is set for a session want a connection of one's own. */
export { refusePooler } from "../migrate/migration-url.ts";

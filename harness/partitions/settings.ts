import type { Client } from "pg";

export const periods = ["day", "week", "month", "quarter", "year"] as const;
export const actions = ["keep", "detach", "archive", "drop"] as const;
/** How a table is converted. */
export const methods = ["attach", "shadow"] as const;
export type Method = (typeof methods)[number];
export type Action = (typeof actions)[number];

/** What is to be kept up for a table. Undefined: as it was, or the default. */
export interface Settings {
  period?: string | undefined;
  timeZone?: string | undefined;
  premake?: number | undefined;
  /** An interval, or `none`: for ever. */
  retention?: string | undefined;
  expired?: string | undefined;
  archiveSchema?: string | undefined;
}

export const areGiven = (settings: Settings): boolean =>
  Object.values(settings).some((value) => value !== undefined);

/** Writes them to partitions.managed. */
export async function manage(client: Client, table: string, settings: Settings): Promise<void> {
  const { period, timeZone, premake, retention, expired, archiveSchema } = settings;
  const forEver = retention === "none";
  await client.query("select partitions.manage($1::regclass, $2, $3, $4, $5, $6, $7)", [
    table,
    period,
    timeZone,
    premake,
    forEver ? undefined : retention,
    expired,
    archiveSchema,
  ]);
  if (forEver)
    await client.query("update partitions.managed set retention = null where parent = $1::regclass", [table]);
}

import { HarnessError } from "../core/errors.ts";
import { refusePooledUrl } from "../migrate/migration-url.ts";
import { actions, periods } from "../partitions/settings.ts";
import type { DatabaseOptions } from "./options.ts";

export interface PartitionOptions extends DatabaseOptions {
  /** Seconds. */
  lockTimeout?: string | undefined;
  dryRun?: boolean | undefined;
}

const bad = (message: string, hint: string) => new HarnessError({ code: "bad-option", message, hint });

/** @throws HarnessError `bad-option` */
export function seconds(option: string, text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (value > 0 && value <= 86_400) return Math.round(value * 1000);
  throw bad(`${option} ${text} is not a number of seconds up to 86400`, `Leave it out for ${otherwise}.`);
}

/** @throws HarnessError `bad-option` */
export function oneOf<T extends string>(
  option: string,
  text: string | undefined,
  choices: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found) return found;
  throw bad(`${option} ${JSON.stringify(text)} is none of ${choices.join(", ")}`, "See --help.");
}

/** @throws HarnessError `bad-option` */
export function premakeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,4}$/.test(text) && Number(text) <= 1000) return Number(text);
  throw bad(
    `--premake ${JSON.stringify(text)} is not a number of periods from 0 to 1000`,
    "Leave it out for 3.",
  );
}

export const actionOf = (text: string | undefined) => oneOf("--expired", text, actions);
export const periodOf = (text: string | undefined) => oneOf("--period", text, periods);

/** DETACH … CONCURRENTLY and what is set for a session want a connection of one's own. */
export const refusePooler = refusePooledUrl;

import { readdirSync } from "node:fs";
import { parse } from "node:path";
import type { Client } from "pg";
import pg from "pg";
import type { Check } from "./checks.ts";
import type { Circumstances, Survey } from "./survey.ts";
import { describeFailure, type Failure } from "./undecided.ts";

/** A setting, and its JSON or why there is none. */
export interface Surveyed {
  setting: string;
  answer: unknown;
  failure: Failure | null;
}

const folder = new URL("./surveys/", import.meta.url);

/** Makes the surveys that one of the checks reads. One that fails takes no other with it. */
export async function runSurveys(
  client: Client,
  checks: readonly Check[],
  circumstances: Circumstances,
): Promise<Surveyed[]> {
  const surveyed: Surveyed[] = [];
  for (const { file, setting } of surveysFor(checks)) {
    const { survey: make } = (await import(new URL(file, folder).href)) as { survey: Survey };
    surveyed.push({ setting, ...(await outcomeOf(() => make(client, circumstances))) });
  }
  return surveyed;
}

/** The surveys that one of the checks reads. */
export function surveysFor(checks: readonly Check[]): { file: string; setting: string }[] {
  return readdirSync(folder)
    .filter((file) => /(?<!\.d)\.[jt]s$/.test(file))
    .map((file) => ({ file, setting: `harness.${parse(file).name}` }))
    .filter(({ setting }) => checks.some((check) => reads(check, setting)));
}

/** Whether a check's SQL mentions a setting. */
export const reads = ({ sql }: Check, setting: string): boolean => sql.includes(`'${setting}'`);

async function outcomeOf(make: () => Promise<unknown>): Promise<Omit<Surveyed, "setting">> {
  try {
    return { answer: await make(), failure: null };
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return { answer: null, failure: describeFailure(error, "what it reads could not be worked out") };
  }
}

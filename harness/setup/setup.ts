import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { passing, patiently, sqlstateOf } from "../sql/patience.ts";
import { readSqlFile } from "../sql/sql-file.ts";
import { inTransaction } from "../sql/transaction.ts";
import { explainSetupError } from "./explain-setup-error.ts";
import { loadSteps, type Missing, type Step } from "./steps.ts";

export interface StepReport {
  /** `unknown`: nothing is missing as far as can be seen, but an earlier step's objects are not there to ask about. */
  state: "done" | "missing" | "unknown";
  name: string;
  title: string;
  runbook: string;
  missing: Missing[];
}

export type ContextSource = "claims" | "setting" | "both";

/** What each step misses. Changes nothing: the transaction is read only. */
export async function checkSetup(client: Client): Promise<StepReport[]> {
  return inTransaction(client, "read only", () => reportSteps(client, loadSteps()));
}

/**
 * Supplies what is missing, step by step, each in a transaction of its own, and asks every step again at the end:
 * some grants do nothing but warn.
 * @returns what was missing and has been supplied
 * @throws HarnessError with the runbook's cure
 */
export async function applySetup(client: Client, contextSource?: ContextSource): Promise<StepReport[]> {
  const steps = loadSteps();
  const reports: StepReport[] = [];
  for (const step of steps) {
    const supply = () =>
      inTransaction(client, "read write", () => supplyStep(client, step), { first: oneAtATime });
    reports.push(await patiently(supply, undefined, isRace));
  }
  if (contextSource) await chooseContextSource(client, contextSource);
  const left = (await checkSetup(client)).flatMap((report) => report.missing);
  if (left.length === 0) return reports;
  throw new HarnessError({
    code: "setup-incomplete",
    message: `the set-up ran, and still ${left.map(({ object, missing }) => `${object}: ${missing}`).join("; ")}`,
    hint: `As a role that may, run: ${left.map(({ statement }) => statement).join(" ")}`,
  });
}

/** Two set-ups of a database follow each other. */
const oneAtATime = "select pg_catalog.pg_advisory_xact_lock(4727445306447284);";

/** Roles belong to the whole server: the set-up of another database may make the same one between our question and our statement. */
function isRace(error: unknown): boolean {
  const state = sqlstateOf(error);
  return passing.has(state) || state === "23505" || state === "42710" || /concurrently/.test(String(error));
}

/**
 * What applySetup() would do, statement by statement: it is done, and rolled back, since the grants depend on roles that may not be there yet.
 * @throws HarnessError with the runbook's cure
 */
export async function planSetup(client: Client): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  const rolledBack = new Error("planned");
  await inTransaction(
    client,
    "read write",
    async () => {
      for (const step of loadSteps()) reports.push(await supplyStep(client, step));
      throw rolledBack;
    },
    { first: oneAtATime },
  ).catch((error) => {
    if (error !== rolledBack) throw error;
  });
  return reports;
}

/** Whether the set-up may go ahead unasked, by is-ours.sql. */
export async function isOurs(client: Client): Promise<boolean> {
  const { rows } = await inTransaction(client, "read only", () =>
    client.query<{ ours: boolean }>(readSqlFile("harness/setup/is-ours.sql").text),
  );
  return rows[0]?.ours === true;
}

/** What the set-up does not touch, in sentences. */
export async function leftAlone(client: Client): Promise<string[]> {
  const { rows } = await inTransaction(client, "read only", () =>
    client.query<{ note: string }>(readSqlFile("harness/setup/left-alone.sql").text),
  );
  return rows.map(({ note }) => note);
}

async function supplyStep(client: Client, step: Step): Promise<StepReport> {
  const missing = await step.findMissing(client);
  for (const item of missing) {
    try {
      await step.supply(client, item);
    } catch (error) {
      throw explainSetupError(error, item);
    }
  }
  return { ...descriptionOf(step), state: "done", missing };
}

async function reportSteps(client: Client, steps: Step[]): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  for (const step of steps) {
    const missing = await step.findMissing(client);
    const uncertain = reports.some((earlier) => earlier.state !== "done");
    const state = missing.length > 0 ? "missing" : uncertain ? "unknown" : "done";
    reports.push({ ...descriptionOf(step), state, missing });
  }
  return reports;
}

const descriptionOf = ({ name, title, runbook }: Step) => ({ name, title, runbook });

async function chooseContextSource(client: Client, source: ContextSource): Promise<void> {
  await inTransaction(client, "read write", async () => {
    await client.query("select set_config('harness.context_source', $1, true)", [source]);
    await client.query(readSqlFile("harness/setup/context-source.sql").text);
  });
}

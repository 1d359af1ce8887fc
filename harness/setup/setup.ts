import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { readSqlFile } from "../database/sql-file.ts";
import { inTransaction } from "../database/transaction.ts";
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
    reports.push(await inTransaction(client, "read write", () => supplyStep(client, step)));
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

import type { DatabaseOptions } from "../command-line/database-options.ts";
import { jsonOutput } from "../command-line/json-output.ts";
import { HarnessError } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import type { Problem } from "../pii/status.ts";
import { print } from "../terminal/output.ts";

export interface PiiOptions extends DatabaseOptions {
  /** One protected table instead of all. */
  table?: string;
}

export interface SealingOptions extends PiiOptions {
  batch?: string;
  rate?: string;
  jobs?: string;
}

export const say = (text: string): void => void print(`${text}\n`);

export const printJson = (value: object): void => void print(jsonOutput(value));

const reasons: Record<string, string> = {
  "23505": "another row of the tenant has the same value once both are normalised",
  "23514": "a constraint of the table refuses it",
  PI004: "the sealed value is damaged, or belongs to another place",
  PI005: "the sealed value has not the form of one",
  PI006: "its key has been destroyed",
  PI012: "the value is too long",
};

/** A row that could not be done, by its ids: never by its values. */
export function describeProblem({ tenant, id, column, sqlstate }: Problem): string {
  const reason = sqlstate ? (reasons[sqlstate] ?? "see docs/pii.md") : "not what stands in clear";
  return `  ${printable(`${tenant} / ${id}${column ? ` ${column}` : ""}: ${reason}${sqlstate ? ` (${sqlstate})` : ""}`)}`;
}

/** Says what the key is wanted for, where a guest's address stands in clear no more, and that there is a way without. */
export async function withoutKeyHint<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HarnessError) || error.code !== "missing-pii-key") throw error;
    throw new HarnessError({
      code: error.code,
      message: "the guest's address or number is sealed, and what to look for is not known without the key",
      hint: "Set HARNESS_PII_KEY; or add --without-key, and what names the guest by these alone stays.",
      cause: error,
    });
  }
}

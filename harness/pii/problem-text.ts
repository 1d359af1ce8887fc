import { printable } from "../core/printable.ts";
import type { Problem } from "./status.ts";

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

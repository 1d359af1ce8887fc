import pg from "pg";
import { HarnessError } from "../core/errors.ts";
import type { Missing } from "./steps.ts";

/** A statement of the set-up that failed, with the cure that the runbook knows. */
export function explainSetupError(error: unknown, { object, statement }: Missing): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const found = cures.find((cure) => cure.applies(error, object));
  return new HarnessError({
    code: found?.code ?? "setup-failed",
    message: `${object}: ${error.message}`,
    hint: found?.hint(statement ?? "") ?? `The statement was: ${statement}`,
    cause: error,
  });
}

interface Cure {
  code: string;
  applies(error: pg.DatabaseError, object: string): boolean;
  hint(statement: string): string;
}

const cures: Cure[] = [
  {
    code: "auth-schema-in-the-way",
    applies: (error) => /schema "?auth"? (already exists|is not a member of extension)/.test(error.message),
    hint: () =>
      "A schema auth was there before the extension: rename or drop it, or enable the Data API on this branch, and run setup again.",
  },
  {
    code: "extension-not-installable",
    applies: (_, object) => object.startsWith("extension"),
    hint: () =>
      "On Neon, enable the Data API on this branch (leave Neon Auth unchecked), which installs it; elsewhere let a superuser create it.",
  },
  {
    code: "bypass-not-removable",
    applies: (error, object) =>
      object.startsWith("role") && error.code === "42501" && /BYPASSRLS/i.test(error.message),
    hint: (statement) =>
      `Only a role with BYPASSRLS and ADMIN may change that; on Neon this is a support case. Needed: ${statement}`,
  },
  {
    code: "may-not-create-role",
    applies: (error, object) => object.startsWith("role") && error.code === "42501",
    hint: (statement) =>
      `On Neon, enable the Data API on this branch, which provides the roles; elsewhere let a role with CREATEROLE run: ${statement}`,
  },
  {
    code: "may-not-grant",
    applies: (error) => error.code === "42501",
    hint: (statement) =>
      `Run setup as the owner of the database and its tables, or let the owner run: ${statement}`,
  },
  {
    code: "waited-for-lock",
    applies: (error) => error.code === "55P03",
    hint: () => "Another session holds it: run setup again, which goes on where it stopped.",
  },
];

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { HarnessError } from "../core/errors.ts";
import { printableJson } from "../core/printable.ts";
import { configFileName } from "./load.ts";
import type { Isolation } from "./schema.ts";

/** The file that is named, or the present folder's. */
export const configFile = (named: string | undefined): string => resolve(named ?? configFileName);

/** @throws HarnessError `config-exists` */
export function requireNoConfig(path: string): void {
  if (!existsSync(path)) return;
  throw new HarnessError({
    code: "config-exists",
    message: `${path} is there already`,
    hint: "Print the inferred model with --stdout to compare, or overwrite the file with --force.",
  });
}

/** The text of a file with this isolation model, and with what it says about other things. */
export function configWith(path: string, isolation: Isolation): string {
  const { schemas, tenantColumn, tenantRoles, context, tables } = isolation;
  const written = {
    schemas,
    ...(tenantColumn ? { tenantColumn } : {}),
    tenantRoles,
    context,
    ...(Object.keys(tables).length > 0 ? { tables } : {}),
  };
  return `${printableJson({ ...keptFrom(path), isolation: written }, 2)}\n`;
}

/** A file that says nothing readable is replaced: --force was given. */
function keptFrom(path: string): object {
  try {
    const { isolation: _, ...kept } = JSON.parse(readFileSync(path, "utf8"));
    return kept;
  } catch {
    return {};
  }
}

/** @throws HarnessError `config-not-written` */
export function writeConfig(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new HarnessError({
      code: "config-not-written",
      message: `${path} cannot be written: ${(cause as Error).message}`,
      hint: "Check the path, or print it with --stdout.",
      cause,
    });
  }
}

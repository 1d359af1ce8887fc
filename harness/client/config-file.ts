import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import * as v from "valibot";
import { HarnessError } from "../core/errors.ts";

export const configFileName = "harness.config.json";

/**
 * What a schema makes of the configuration: of the file named, else of harness.config.json from here upwards, else of nothing.
 * @throws HarnessError `config-unreadable`, `config-invalid` (with the path of the wrong key)
 */
export function readConfig<S extends v.GenericSchema>(schema: S, file?: string): v.InferOutput<S> {
  const path = file ? resolve(file) : findConfigFile();
  if (!path) return v.parse(schema, {});
  const result = v.safeParse(schema, readJson(path));
  if (result.success) return result.output;
  const issue = result.issues[0];
  const key = v.getDotPath(issue) ?? "the top level";
  const wrong = issue.type === "strict_object" && issue.expected === "never" ? "unknown key" : issue.message;
  throw new HarnessError({
    code: "config-invalid",
    message: `${path}: ${key}: ${wrong}`,
    hint: "Correct this key; docs/configuration.md describes them all.",
  });
}

/**
 * The isolation part, without which nobody can act as a tenant.
 * @throws HarnessError `no-isolation-model`
 */
export function requireIsolation<I>({ isolation }: { isolation?: I | undefined }): I {
  if (isolation) return isolation;
  throw new HarnessError({
    code: "no-isolation-model",
    message: `no isolation model: there is no ${configFileName} with an "isolation" part here or above`,
    hint: "Describe the tenant column, roles and context in it (docs/configuration.md), or name the file with --config.",
  });
}

function findConfigFile(): string | null {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const file = join(folder, configFileName);
    if (existsSync(file)) return file;
    if (dirname(folder) === folder) return null;
  }
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const message = `${path} cannot be read: ${(cause as Error).message}`;
    throw new HarnessError({
      code: "config-unreadable",
      message,
      hint: "Check the path given with --config.",
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `${path} is not JSON: ${(cause as Error).message}`;
    throw new HarnessError({
      code: "config-unreadable",
      message,
      hint: "Correct it at the place named.",
      cause,
    });
  }
}

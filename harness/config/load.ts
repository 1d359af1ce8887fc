import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as v from "valibot";
import { HarnessError } from "../core/errors.ts";
import { findUpwards } from "../core/project.ts";
import { type Config, configSchema, type Isolation } from "./schema.ts";

export const configFileName = "harness.config.json";

/**
 * The configuration: the file named, else harness.config.json from here upwards, else nothing but defaults.
 * @throws HarnessError `config-unreadable`, `config-invalid` (with the path of the wrong key)
 */
export function loadConfig(file?: string): Config {
  const folder = file ? null : findUpwards([configFileName]);
  const path = file ? resolve(file) : folder && join(folder, configFileName);
  if (!path) return v.parse(configSchema, {});
  const result = v.safeParse(configSchema, readJson(path));
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

/** The isolation part, which the commands that verify or act as a tenant can't do without. */
export function requireIsolation(config: Config): Isolation {
  if (config.isolation) return config.isolation;
  throw new HarnessError({
    code: "no-isolation-model",
    message: `no isolation model: there is no ${configFileName} with an "isolation" part here or above`,
    hint: "Describe the tenant column, roles and context in it (docs/configuration.md), or name the file with --config.",
  });
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

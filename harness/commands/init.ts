import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { DatabaseOptions } from "../command-line/database-options.ts";
import { withClient } from "../command-line/session.ts";
import { configFileName } from "../config/load.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { printableJson } from "../core/printable.ts";
import { describeDiscovery } from "../isolation/discovery/describe.ts";
import { obtainModel } from "../isolation/discovery/obtain-model.ts";
import { note, print } from "../terminal/output.ts";

export interface InitOptions extends DatabaseOptions {
  force?: boolean;
  stdout?: boolean;
}

/** Writes what a database lets on about its isolation into harness.config.json of the present folder, for editing. */
export async function init(options: InitOptions): Promise<ExitCode> {
  const path = resolve(options.config ?? configFileName);
  if (!options.stdout && !options.force && existsSync(path)) throw alreadyThere(path);
  // What is in the file already must not decide what is found.
  const target = { ...options, config: undefined };
  return withClient(target, "reads", "init", async ({ client, config }) => {
    const { discovery } = await obtainModel(client, { ...config, isolation: undefined });
    if (!discovery) return exitCodes.clean;
    const { schemas, tenantColumn, tenantRoles, context, tables } = discovery.isolation;
    const isolation = {
      schemas,
      ...(tenantColumn ? { tenantColumn } : {}),
      tenantRoles,
      context,
      ...(Object.keys(tables).length > 0 ? { tables } : {}),
    };
    const text = `${printableJson({ ...keptFrom(path), isolation }, 2)}\n`;
    note(describeDiscovery(discovery));
    if (options.stdout) {
      print(text);
      return exitCodes.clean;
    }
    write(path, text);
    note(`Wrote ${path}: read it through, and \`harness verify\` uses it`);
    return exitCodes.clean;
  });
}

/** What the file says about other things than isolation. A file that says nothing readable is replaced: --force was given. */
function keptFrom(path: string): object {
  try {
    const { isolation: _, ...kept } = JSON.parse(readFileSync(path, "utf8"));
    return kept;
  } catch {
    return {};
  }
}

function write(path: string, text: string): void {
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

function alreadyThere(path: string): HarnessError {
  return new HarnessError({
    code: "config-exists",
    message: `${path} is there already`,
    hint: "Print the inferred model with --stdout to compare, or overwrite the file with --force.",
  });
}

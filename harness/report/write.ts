import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { HarnessError } from "../core/errors.ts";
import { print } from "../terminal/output.ts";
import { ofStdout, type Terminal } from "../terminal/terminal.ts";
import type { Format, Report } from "./report.ts";

const folder = new URL("./formats/", import.meta.url);
const file: Terminal = { color: false, links: false };

export function formatNames(): string[] {
  const files = readdirSync(folder).filter((file) => /(?<!\.d)\.[jt]s$/.test(file));
  return files.map((file) => basename(file).replace(/\.[jt]s$/, "")).sort();
}

/**
 * Writes a report in each format asked for: `tty`, or `json=report.json`.
 * @throws HarnessError `unknown-format`, `report-not-written`
 */
export async function writeReport(report: Report, outputs: readonly string[]): Promise<void> {
  for (const output of outputs) {
    const { name, path } = parseOutput(output);
    const format = await loadFormat(name);
    if (!path) {
      print(format(report, ofStdout()));
      continue;
    }
    try {
      writeFileSync(path, format(report, file));
    } catch (cause) {
      const message = `${path} cannot be written: ${(cause as Error).message}`;
      throw new HarnessError({
        code: "report-not-written",
        message,
        hint: "Check the path after -o FORMAT=.",
        cause,
      });
    }
  }
}

/** Refuses a mistyped format before any work is done. */
export function checkFormats(outputs: readonly string[]): void {
  for (const { name } of outputs.map(parseOutput)) {
    if (formatNames().includes(name)) continue;
    throw new HarnessError({
      code: "unknown-format",
      message: `there is no report format "${name}"`,
      hint: `Choose from ${formatNames().join(", ")}.`,
    });
  }
}

/** `json=report.json`: the format's name, and the path if there is one. Without a path it goes to stdout. */
export function parseOutput(output: string): { name: string; path: string | null } {
  const at = output.indexOf("=");
  return at < 0
    ? { name: output, path: null }
    : { name: output.slice(0, at), path: output.slice(at + 1) || null };
}

async function loadFormat(name: string): Promise<Format> {
  const compiled = new URL(`${name}.js`, folder);
  const file = existsSync(fileURLToPath(compiled)) ? compiled : new URL(`${name}.ts`, folder);
  return (await import(file.href)).default;
}

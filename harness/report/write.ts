import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import pc from "picocolors";
import { HarnessError } from "../core/errors.ts";
import type { Format, Report } from "./report.ts";

const folder = new URL("./formats/", import.meta.url);

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
    const [name = "", path] = splitOnce(output);
    const format = await loadFormat(name);
    const text = format(report, { color: !path && pc.isColorSupported && process.stdout.isTTY !== false });
    if (!path) {
      process.stdout.write(text);
      continue;
    }
    try {
      writeFileSync(path, text);
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
  for (const output of outputs) {
    const [name = ""] = splitOnce(output);
    if (formatNames().includes(name)) continue;
    throw new HarnessError({
      code: "unknown-format",
      message: `there is no report format "${name}"`,
      hint: `Choose from ${formatNames().join(", ")}.`,
    });
  }
}

async function loadFormat(name: string): Promise<Format> {
  const compiled = new URL(`${name}.js`, folder);
  const file = existsSync(fileURLToPath(compiled)) ? compiled : new URL(`${name}.ts`, folder);
  return (await import(file.href)).default;
}

function splitOnce(output: string): string[] {
  const at = output.indexOf("=");
  return at < 0 ? [output] : [output.slice(0, at), output.slice(at + 1)];
}

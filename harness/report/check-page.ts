import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../core/project.ts";
import { type Severity, severities } from "../core/results.ts";

/** A page of docs/checks. `explain`, SARIF and whoever reads the docs see this same text. */
export interface CheckPage {
  /** The whole page, as it is in the file. */
  markdown: string;
  /** What holds when the check passes. */
  title: string;
  /** As a rule; a result may be judged otherwise. */
  severity: Severity | null;
  /** The first paragraph under "Problem", on one line. */
  summary: string;
}

/** The page of a check by its path from the package's root (`Result.docs`), or null if there is none. */
export function readCheckPage(docs: string): CheckPage | null {
  const file = checkPageFile(docs);
  if (!existsSync(file)) return null;
  const markdown = readFileSync(file, "utf8").replaceAll("\r\n", "\n");
  const title = /^\*\*(.+?)\.\*\*/m.exec(markdown)?.[1] ?? "";
  const severity = severities.find((each) => markdown.includes(`** Severity: ${each}.`)) ?? null;
  const summary = /^## Problem\n+([\s\S]*?)(?:\n\n|$)/m.exec(markdown)?.[1] ?? title;
  return { markdown, title, severity, summary: summary.replace(/\s*\n\s*/g, " ").trim() };
}

export function checkPageFile(docs: string): string {
  return join(packageRoot, docs);
}

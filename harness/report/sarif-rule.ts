import { type Result, type Severity, severities } from "../core/results.ts";
import { readCheckPage } from "./check-page.ts";

export const levels: Record<Severity, string> = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "note",
};

/** GitHub sorts alerts by it, and takes it for a CVSS score. */
const scores: Record<Severity, string> = { critical: "9.5", high: "8.0", medium: "5.5", low: "2.0" };

/** A check as a rule of SARIF, from its results and its page. */
export function rule(results: Result[]) {
  const [{ code, name, area, docs }] = results as [Result];
  const page = readCheckPage(docs);
  const worst = Math.max(...results.map(({ severity }) => severities.indexOf(severity)));
  const severity = page?.severity ?? (severities[worst] as Severity);
  return {
    id: code,
    name,
    shortDescription: { text: plainMessage(page?.title || name) },
    fullDescription: { text: plainMessage(page?.summary || name) },
    ...(page && { help: { text: plainMessage(page.markdown), markdown: page.markdown } }),
    defaultConfiguration: { level: levels[severity] },
    properties: {
      tags: [...new Set(["security", "tenant-isolation", area])].filter(Boolean),
      precision: "high",
      "security-severity": scores[severity],
    },
  };
}

/** SARIF reads `{0}` in a plain text as a placeholder and `[text](1)` as a link: neither is meant in ours. */
export function plainMessage(text: string): string {
  return text.replace(/\{(\d+)\}/g, "{{$1}}").replace(/\[(?=[^\]]*\]\()/g, "\\[");
}

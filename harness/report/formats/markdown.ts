import { groupBy } from "../../core/group.ts";
import type { Result } from "../../core/results.ts";
import { codeSpan, htmlText, prose, sqlBlock } from "../markdown-text.ts";
import { type Format, type Report, resultsThat, targetParts } from "../report.ts";
import { countsOf, judgementOf } from "../verdict.ts";

/** GitHub takes 65,536 characters in a comment, and 1 MiB in a job's summary. In bytes, so that it fits however they are counted. */
const limit = 65_000;
/** What each table may take of it, so that there is room for the SQL of the worst findings. */
const tableLimit = 12_000;
/** A workflow finds its own comment by this, and edits it instead of adding another one. */
const marker = "<!-- harness verify -->";
const elsewhere = "`harness verify -o json=report.json` has them all.";

/** For a job's summary or a pull request's comment: the verdict, tables, then the SQL of each finding. */
const markdown: Format = (report) => {
  const failed = resultsThat(report, "fail");
  const blocks = [
    `${marker}\n## ${icon(report)} harness verify: ${judgementOf(report)}`,
    targetParts(report)
      .map((part) => codeSpan(part))
      .join(" · "),
    `${countsOf(report)}.`,
    ...table("Findings", failed),
    ...table("Not decided, and so not proved", resultsThat(report, "skipped", "error")),
    ...table("Waived", resultsThat(report, "waived")),
    ...passed(report),
  ];
  const details = [...groupBy(failed, ({ object }) => object).values()].map(detailsOf);
  const [shown, note] = fit(details, limit - bytes(blocks) - 500, "objects");
  return `${[...blocks, ...shown, ...note].join("\n\n")}\n`;
};
export default markdown;

function icon({ exitCode }: Report): string {
  return { 0: "✅", 1: "❌", 3: "⚠️" }[exitCode as 0 | 1 | 3] ?? "";
}

function table(title: string, results: Result[]): string[] {
  if (results.length === 0) return [];
  const rows = results.map(({ severity, code, name, object, detail }) => {
    return `| ${severity} | ${prose(`${code} ${name}`)} | ${codeSpan(object, "table")} | ${prose(detail)} |`;
  });
  const head = "| severity | check | object | what |\n|---|---|---|---|\n";
  const [shown, note] = fit(rows, tableLimit, "rows");
  return [`### ${title}`, head + shown.join("\n"), ...note];
}

/** What passed, by area: one line, whatever the number of tables. */
function passed(report: Report): string[] {
  const areas = groupBy(resultsThat(report, "pass"), ({ area }) => area);
  if (areas.size === 0) return [];
  return [`Passed: ${[...areas].map(([area, results]) => `${prose(area)} ${results.length}`).join(", ")}.`];
}

function detailsOf(results: Result[]): string {
  const [worst] = results as [Result];
  const codes = results.map(({ code }) => code).join(", ");
  const fixes = [...new Set(results.map(({ fix }) => fix))].filter((fix) => fix !== null);
  return [
    `<details><summary><code>${htmlText(worst.object)}</code> ${htmlText(codes)}</summary>`,
    ...(worst.evidence ? ["See it:", sqlBlock(worst.evidence)] : []),
    ...(fixes.length > 0 ? ["Mend it:", sqlBlock(fixes.join("\n"))] : []),
    `Read on: ${codeSpan(`harness explain ${worst.code}`)}`,
    "</details>",
  ].join("\n\n");
}

/** As many as there is room for, in bytes, and a note if there are more. */
function fit(texts: string[], room: number, what: string): [shown: string[], note: string[]] {
  let left = room;
  const end = texts.findIndex((text) => {
    left -= bytes([text]);
    return left < 0;
  });
  if (end < 0) return [texts, []];
  return [
    texts.slice(0, end),
    [`${texts.length - end} of ${texts.length} ${what} are left out for want of room: ${elsewhere}`],
  ];
}

function bytes(texts: string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 2, 0);
}

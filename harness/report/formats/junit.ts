import { groupBy } from "../../core/group.ts";
import { printable } from "../../core/printable.ts";
import { printableSql } from "../../core/printable-sql.ts";
import type { Outcome, Result } from "../../core/results.ts";
import type { Format } from "../report.ts";

/**
 * JUnit's XML: a suite for each check, a test case for each result. A finding is a failure, what could not run is an error, what was not
 * decided or is waived is skipped, each with the reason.
 */
const junit: Format = ({ results, summary }) => {
  const suites = [...groupBy(results, ({ code }) => code).values()].map(suite);
  const time = (summary.durationMs / 1000).toFixed(3);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="harness verify" ${counts(results)} time="${time}">`,
    ...suites,
    "</testsuites>\n",
  ].join("\n");
};
export default junit;

function suite(results: Result[]): string {
  const { code, name } = results[0] as Result;
  return [
    `  <testsuite name=${attribute(`${code} ${name}`)} ${counts(results)}>`,
    ...results.map(testCase),
    "  </testsuite>",
  ].join("\n");
}

function counts(results: Result[]): string {
  const count = (...outcomes: Outcome[]) =>
    results.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const [failures, errors, skipped] = [count("fail"), count("error"), count("skipped", "waived")];
  return `tests="${results.length}" failures="${failures}" errors="${errors}" skipped="${skipped}"`;
}

function testCase(result: Result): string {
  const { code, object } = result;
  const start = `    <testcase classname=${attribute(`harness.${code}`)} name=${attribute(object)}`;
  const inside = outcomeElement(result);
  return inside ? `${start}>\n      ${inside}\n    </testcase>` : `${start}/>`;
}

function outcomeElement({ outcome, severity, detail, evidence, fix, docs }: Result): string | null {
  if (outcome === "pass") return null;
  if (outcome === "skipped") return `<skipped message=${attribute(detail)}/>`;
  if (outcome === "waived") return `<skipped message=${attribute(`waived: ${detail}`)}/>`;
  const element = outcome === "fail" ? "failure" : "error";
  const body = [
    printable(detail),
    evidence && `See it:\n${printableSql(evidence)}`,
    fix && `Mend it:\n${printableSql(fix)}`,
    `Read on: ${printable(docs)}`,
  ];
  const text = escapeXml(body.filter(Boolean).join("\n\n"));
  return `<${element} message=${attribute(detail)} type=${attribute(severity)}>${text}</${element}>`;
}

function attribute(text: string): string {
  return `"${escapeXml(printable(text))}"`;
}

/** `>` too: `]]>` must not stand in a text. Characters that XML 1.0 has no way to write are gone already (printable). */
function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

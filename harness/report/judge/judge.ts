import {
  type CheckInfo,
  countOutcomes,
  exitCodeOf,
  type Result,
  type Section,
  type Severity,
} from "../../core/results.ts";
import type { Subject } from "../../core/subject.ts";
import type { Report } from "../report.ts";
import { type BaselineOptions, withBaseline } from "./baseline.ts";
import { applyWaivers, type ConfiguredWaiver, manageWaivers } from "./waivers.ts";

export interface Rules extends BaselineOptions {
  waivers: readonly ConfiguredWaiver[];
  /** Every check that there is, asked or not, so that a waiver of none of them is a mistake. */
  checks: readonly CheckInfo[];
  failOn: Severity;
  /** YYYY-MM-DD, UTC. Default: now. */
  today?: string;
}

export interface Judgement {
  report: Report;
  /** What was done to the file of the baseline, if anything was. */
  note: string | null;
}

/**
 * From results to a report: findings that are accepted or were known before are set apart, waivers and baseline are answered for, and what
 * is left decides on the exit code.
 *
 * @throws HarnessError `baseline-unreadable`, `baseline-not-written`
 */
export function judge(subject: Subject, sections: readonly Section[], rules: Rules): Judgement {
  const { today = new Date().toISOString().slice(0, 10) } = rules;
  const asked = new Set(sections.flatMap((section) => section.asked.map(({ code }) => code)));
  const scope = { checks: [...rules.checks, manageWaivers], asked: asked.add(manageWaivers.code) };
  const found = sections.flatMap(({ name, results }) =>
    results.map((result) => ({ ...result, section: name })),
  );
  const { results: counted, answers } = applyWaivers(found, rules.waivers, scope, today);
  const { results: compared, note } = withBaseline(counted, rules, scope);
  const results = [...compared, ...answers].map((result) => ({ section: "waivers", ...result }));
  const durationMs = sections.reduce((sum, section) => sum + section.durationMs, 0);
  const report: Report = {
    schemaVersion: 1,
    ...subject,
    sections: [...sections, { name: "waivers", durationMs: 0 }].flatMap((section) =>
      summaryOf(section, results),
    ),
    summary: { ...countOutcomes(results), tables: subject.model?.tables.length ?? 0, durationMs },
    exitCode: exitCodeOf(results, rules.failOn),
    results,
  };
  return { report, note };
}

/** Nothing if it has no result. */
function summaryOf(
  { name, durationMs }: Pick<Section, "name" | "durationMs">,
  results: readonly Result[],
): Report["sections"] {
  const own = results.filter(({ section }) => section === name);
  return own.length > 0 ? [{ name, ...countOutcomes(own), durationMs }] : [];
}

import { type CheckInfo, findCheck, type Result, type Waiver } from "../../core/results.ts";

/** A waiver as the configuration has it. */
export interface ConfiguredWaiver {
  code: string;
  object: string;
  reason: string;
  owner: string;
  /** YYYY-MM-DD, UTC, the last day on which it counts. */
  expires: string;
}

/** What can be said about waivers and known findings: nothing of a check that was not asked. */
export interface Scope {
  /** Every check that there is. */
  checks: readonly CheckInfo[];
  /** Codes. */
  asked: ReadonlySet<string>;
}

/** The one check that asks about the waivers and the baseline instead of the database. */
export const manageWaivers: CheckInfo = {
  code: "H002",
  name: "manage-waivers",
  title: "Every waiver is in force, and there is something for it to waive",
  severity: "medium",
  area: "waivers",
  docs: "docs/checks/H002.md",
};

/**
 * The results with the waived findings marked as such, and an answer of `manageWaivers` about each waiver. Only `fail` can be waived:
 * what was not decided stays undecided.
 * @param today YYYY-MM-DD, UTC
 */
export function applyWaivers(
  results: readonly Result[],
  waivers: readonly ConfiguredWaiver[],
  { checks, asked }: Scope,
  today: string,
): { results: Result[]; answers: Result[] } {
  let waived = [...results];
  const answers: Result[] = [];
  for (const waiver of waivers) {
    const check = findCheck(checks, waiver.code);
    if (check && !asked.has(check.code)) continue;
    const concerns = concernsOf(waiver, check);
    const matching = results.filter((result) => result.outcome === "fail" && concerns(result));
    const undecided = results.some(
      ({ code, outcome }) => code === check?.code && (outcome === "skipped" || outcome === "error"),
    );
    answers.push(answerAbout(waiver, { check, found: matching.length, undecided, today }));
    if (waiver.expires < today) continue;
    const chosen = new Set(matching);
    waived = waived.map((result, at) => (chosen.has(results[at] as Result) ? waive(result, waiver) : result));
  }
  return { results: waived, answers };
}

/** The result about a waiver, or about an entry of a baseline. */
export function waiverResult(
  object: string,
  answer: Pick<Result, "outcome" | "detail"> & Partial<Pick<Result, "severity">>,
): Result {
  const { code, name, severity, area, docs } = manageWaivers;
  return { code, name, severity, area, object, evidence: null, fix: null, docs, ...answer };
}

interface Circumstances {
  check: CheckInfo | undefined;
  found: number;
  undecided: boolean;
  today: string;
}

function answerAbout(waiver: ConfiguredWaiver, { check, found, undecided, today }: Circumstances): Result {
  const { code, object, owner, expires } = waiver;
  const about = (outcome: Result["outcome"], detail: string) =>
    waiverResult(`waiver of ${check?.code ?? code} ${object}`, { outcome, detail });
  if (!check) return about("fail", `there is no check ${code}; \`harness explain\` lists them all`);
  if (check.code === manageWaivers.code) return about("fail", "what is wrong with waivers cannot be waived");
  if (expires < today)
    return about("fail", `it expired on ${expires}, and counts no more; its owner is ${owner}`);
  if (found > 0)
    return about("pass", `it waives ${found === 1 ? "1 finding" : `${found} findings`} until ${expires}`);
  if (undecided)
    return about("skipped", `${check.code} was not decided, so nobody knows whether it is still needed`);
  return about("fail", `no finding of ${check.code} matches it, so it can be removed; its owner is ${owner}`);
}

function waive(result: Result, { reason, owner, expires }: ConfiguredWaiver): Result {
  const waiver: Waiver = { source: "config", reason, owner, expires };
  return {
    ...result,
    outcome: "waived",
    detail: `${result.detail}; waived until ${expires} by ${owner}: ${reason}`,
    waiver,
  };
}

function concernsOf({ object }: ConfiguredWaiver, check: CheckInfo | undefined): (result: Result) => boolean {
  const pattern = matcher(object);
  return ({ code, object: name }) => code === check?.code && pattern.test(name);
}

/** `*` is anything, also dots and line breaks; everything else is itself. */
function matcher(object: string): RegExp {
  const parts = object.split(/\*+/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*?")}$`, "su");
}

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { HarnessError } from "../../core/errors.ts";
import { severities } from "../../core/results.ts";

const baselineSchema = v.object({
  schemaVersion: v.literal(1),
  findings: v.array(v.object({ code: v.string(), object: v.string(), severity: v.picklist(severities) })),
});

/** The findings that were there when it was written: no time, no number of a row or an object, nothing that changes by itself. */
export type Baseline = v.InferOutput<typeof baselineSchema>;
export type KnownFinding = Baseline["findings"][number];

/** @throws HarnessError `baseline-unreadable` */
export function readBaseline(file: string): Baseline {
  let problem: string;
  try {
    const result = v.safeParse(baselineSchema, JSON.parse(readFileSync(file, "utf8")));
    if (result.success) return result.output;
    const [issue] = result.issues;
    problem = `${v.getDotPath(issue) ?? "the top level"}: ${issue.message}`;
  } catch (cause) {
    problem = (cause as Error).message;
  }
  throw new HarnessError({
    code: "baseline-unreadable",
    message: `${file} is no baseline that can be read: ${problem}`,
    hint: "Write one with --baseline FILE --write-baseline.",
  });
}

/**
 * Replaces the file at once, so that nobody reads half of it.
 * @throws HarnessError `baseline-not-written`
 */
export function writeBaseline(file: string, baseline: Baseline): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, `${JSON.stringify(baseline, null, 2)}\n`);
    renameSync(draft, file);
  } catch (cause) {
    throw new HarnessError({
      code: "baseline-not-written",
      message: `${file} cannot be written: ${(cause as Error).message}`,
      hint: "Check the path after --baseline.",
      cause,
    });
  }
}

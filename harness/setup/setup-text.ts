import { printable } from "../core/printable.ts";
import { printableSql } from "../core/printable-sql.ts";
import { paint } from "../terminal/color.ts";
import type { StepReport } from "./setup.ts";

export type Kind = "check" | "plan" | "done";

const marks: Record<StepReport["state"], string> = {
  done: paint.green("✓"),
  missing: paint.red("✗"),
  unknown: paint.yellow("?"),
};

export const countMissing = (steps: readonly StepReport[]): number =>
  steps.reduce((sum, step) => sum + step.missing.length, 0);

/** For people: a line a step, what it lacked and the SQL that supplies it. */
export function describeSetup(steps: readonly StepReport[], kind: Kind, notes: readonly string[]): string {
  const count = countMissing(steps);
  const verdict =
    count === 0
      ? "Set up: nothing was missing"
      : {
          check: paint.red(`Not set up: ${count} missing (harness setup supplies them)`),
          plan: `Planned: ${count} statements, none of which lasts yet`,
          done: `Set up: ${count} supplied`,
        }[kind];
  const lines = steps.flatMap((step) => stepLines(step, kind));
  const asides = notes.map((note) => `  ${paint.yellow("!")} ${note}`);
  return `${[paint.bold("harness setup"), ...lines, ...asides, verdict].join("\n")}\n`;
}

function stepLines({ title, state, missing }: StepReport, kind: Kind): string[] {
  if (kind === "done") {
    const mark = missing.length > 0 ? paint.green("+") : marks[state];
    const supplied = missing.map(({ statement, object }) =>
      paint.dim(`      ${statement ? printableSql(statement) : printable(object)}`),
    );
    return [`  ${mark} ${title}`, ...supplied];
  }
  const lacking = missing.flatMap(({ object, missing: what, statement }) => [
    `      ${printable(`${object}: ${what}`)}`,
    ...(statement ? [paint.cyan(`        ${printableSql(statement)}`)] : []),
  ]);
  return [`  ${marks[kind === "plan" && missing.length > 0 ? "missing" : state]} ${title}`, ...lacking];
}

import { groupBy } from "../core/group.ts";
import { printable } from "../core/printable.ts";
import { printableSql } from "../core/printable-sql.ts";
import type { Result } from "../core/results.ts";
import { wrap } from "../terminal/text.ts";
import { agreeing, type Mending } from "./mending-conflicts.ts";

export interface MendingPlan {
  mendings: Mending[];
  /** Findings that no SQL of ours mends. */
  left: Result[];
}

/**
 * What mends the findings, each statement once, in an order in which all of it runs: roles before what is granted to them, then object by
 * object.
 */
export async function planMending(results: readonly Result[]): Promise<MendingPlan> {
  const failed = results.filter(({ outcome }) => outcome === "fail");
  const mendable = failed.filter(({ fix }) => fix?.trim());
  const [roles, others] = [
    mendable.filter(({ area }) => area === "roles"),
    mendable.filter(({ area }) => area !== "roles"),
  ];
  const byObject = [...groupBy(others, ({ object }) => object).values()].flat();
  const groups = groupBy([...roles, ...byObject], ({ fix }) => printableSql(terminated((fix ?? "").trim())));
  return {
    mendings: await agreeing([...groups].map(([sql, findings]) => ({ sql, findings }))),
    left: failed.filter((result) => !mendable.includes(result)),
  };
}

/** A migration: each piece of SQL under the findings that it mends. */
export function toMigration({ mendings, left }: MendingPlan): string {
  const head = comment(
    `Mends what harness verify found: ${mendings.length} changes. Read them before you commit them: what isolates may also lock out.`,
  );
  const blocks = mendings.map(({ sql, findings }) =>
    [...findings.map(describe), sql].filter(Boolean).join("\n"),
  );
  const rest = left.length > 0 ? [[comment("Not mended by this:"), ...left.map(describe)].join("\n")] : [];
  return `${[head, ...blocks, ...rest].join("\n\n")}\n`;
}

function describe({ code, object, detail }: Result): string {
  return comment(`${code} ${object}: ${detail}`);
}

/** A comment in which no name can end the line and go on as SQL, or as a directive. */
function comment(text: string): string {
  const harmless = printable(text).replaceAll("--!", "-- !");
  return wrap(harmless, 110, "-- ").replaceAll("\n", "\n--");
}

/** The last statement may lack its semicolon. One too many does no harm, and on a line of its own it is in no comment. */
function terminated(sql: string): string {
  const lastLine = sql.slice(sql.lastIndexOf("\n") + 1);
  const ended = lastLine.includes("--") ? /;\s*--[^'"$]*$/ : /;\s*$/;
  return ended.test(lastLine) ? sql : `${sql}\n;`;
}

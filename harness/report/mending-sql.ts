import { groupBy } from "../core/group.ts";
import type { Result } from "../core/results.ts";
import { printable } from "./printable.ts";
import { wrap } from "./text.ts";

/** SQL that mends findings, and the findings that it mends. */
export interface Mending {
  sql: string;
  findings: Result[];
}

export interface MendingPlan {
  mendings: Mending[];
  /** Findings that no SQL of ours mends: they come without, or with SQL that a migration would misread. */
  left: Result[];
}

/**
 * What mends the findings, each statement once, in an order in which it runs: roles before what is granted to them, then object by object.
 */
export function planMending(results: readonly Result[]): MendingPlan {
  const failed = results.filter(({ outcome }) => outcome === "fail");
  const mendable = failed.filter(({ fix }) => fix?.trim() && !isMisread(fix));
  const [roles, others] = [
    mendable.filter(({ area }) => area === "roles"),
    mendable.filter(({ area }) => area !== "roles"),
  ];
  const byObject = [...groupBy(others, ({ object }) => object).values()].flat();
  const groups = groupBy([...roles, ...byObject], ({ fix }) => (fix ?? "").trim());
  return {
    mendings: [...groups].map(([sql, findings]) => ({ sql, findings })),
    left: failed.filter((result) => !mendable.includes(result)),
  };
}

/** A migration: each piece of SQL under the findings that it mends. */
export function toMigration({ mendings, left }: MendingPlan): string {
  const head = comment(
    `Mends what harness verify found: ${mendings.length} changes. Read them before you commit them: what isolates may also lock out.`,
  );
  const blocks = mendings.map(
    ({ sql, findings }) => `${findings.map(describe).join("\n")}\n${terminated(sql)}`,
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

/** graphile-migrate acts on these wherever they are, also inside of a quoted name. */
function isMisread(sql: string): boolean {
  return /--!|:DATABASE_(?:NAME|OWNER)\b/.test(sql);
}

import { printable } from "../core/printable.ts";
import { paint } from "../terminal/color.ts";
import { count } from "../terminal/numbers.ts";
import { table as textTable } from "../terminal/table.ts";
import { describeProblem } from "./problem-text.ts";
import type { StatusReport } from "./status-report.ts";

/** For people, as it is printed. */
export function describeStatus({ tables, unusable, keys, warnings }: StatusReport): string {
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  for (const { table, phase, since, columns, opened, next } of tables) {
    say(
      `${paint.bold(table)}: phase ${paint.bold(phase)} since ${since.toISOString().slice(0, 16).replace("T", " ")} UTC`,
    );
    const cells = columns.map(
      (c) =>
        [
          c.column,
          ...[c.rows, c.plaintext, c.sealed, c.unsealed, c.stale, c.unsearchable].map(count),
        ] as string[],
    );
    say(
      textTable(
        ["column", "rows", "in clear", "sealed", "to seal", "old key", "no look-up"],
        cells,
      ).trimEnd(),
    );
    if (opened) {
      say(
        `opened ${count(opened.checked)} rows: ${count(opened.damaged)} values damaged, ${count(opened.differing)} not what stands in clear`,
      );
      for (const problem of opened.problems) say(paint.red(describeProblem(problem)));
    } else {
      say(paint.dim("values were not opened: that needs HARNESS_PII_KEY"));
    }
    say(next ? `next: ${next}\n` : "complete\n");
  }
  for (const { table, reason } of unusable) say(paint.yellow(`${table} ${reason}\n`));
  const { active, retiring, destroyed, changing, configured } = keys;
  say(`data keys: ${count(active)} active, ${count(retiring)} being replaced, ${count(destroyed)} destroyed`);
  if (configured > 1 && changing === 0)
    say(paint.red(`they are under ${count(configured)} configured keys, and nobody has all of them`));
  if (retiring > 0 || changing > 0)
    say("a rotation is under way: harness pii rotate goes on, --finish ends it");
  for (const warning of warnings) say(paint.yellow(`warning: ${printable(warning)}`));
  return `${lines.join("\n")}\n`;
}

import { groupBy } from "../core/group.ts";
import type { CheckInfo } from "../core/results.ts";
import { colors } from "../terminal/color.ts";
import { fileLink, type Terminal } from "../terminal/terminal.ts";
import { wrap } from "../terminal/text.ts";
import { checkPageFile } from "./check-page.ts";

/** All checks by area, for people. */
export function describeChecks(checks: readonly CheckInfo[], { color, links }: Terminal): string {
  const c = colors(color);
  const line = ({ code, name, severity, title, docs }: CheckInfo) => {
    const shown = links ? fileLink(code, checkPageFile(docs)) : code;
    const head = `  ${shown}${" ".repeat(Math.max(1, 6 - code.length))}${c.bold(name.padEnd(40))} ${severity}`;
    return `${head}\n${wrap(title, 80, "        ")}`;
  };
  const areas = [...groupBy(checks, ({ area }) => area)].map(
    ([area, members]) => `${c.bold(area)}\n${members.map(line).join("\n")}`,
  );
  return `${areas.join("\n\n")}\n\nRead one: harness explain ${checks[0]?.code}\n`;
}

import { printable } from "../core/printable.ts";
import { displayWidth } from "./display-width.ts";

/** Rows as aligned columns under their names, as people read them in psql. */
export function table(columns: string[], content: string[][]): string {
  const names = columns.map(printable);
  const rows = content.map((row) => row.map(printable));
  const widths = names.map((name, at) =>
    Math.max(displayWidth(name), ...rows.map((row) => displayWidth(row[at] ?? ""))),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, at) => cell + " ".repeat((widths[at] ?? 0) - displayWidth(cell)))
      .join("  ")
      .trimEnd();
  return `${[line(names), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n")}\n`;
}

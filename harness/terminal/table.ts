import { printable } from "../core/printable.ts";
import { displayWidth } from "./display-width.ts";

/** Rows as aligned columns under their names, as people read them in psql. */
export function table(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const content = [names, ...rows].map((row) => row.map(printable));
  const widths = widthsOf(content);
  const line = `${widths.map((width) => "─".repeat(width)).join("  ")}\n`;
  const [head = "", ...others] = linesOf(content, widths);
  return [head, line, ...others].join("");
}

/** Rows as aligned columns, and nothing else. */
export function columns(rows: readonly (readonly string[])[]): string {
  const content = rows.map((row) => row.map(printable));
  return linesOf(content, widthsOf(content)).join("");
}

const widthsOf = (rows: readonly (readonly string[])[]): number[] =>
  (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => displayWidth(row[at] ?? ""))));

const linesOf = (rows: readonly (readonly string[])[], widths: readonly number[]): string[] =>
  rows.map((row) => {
    const cells = row.map((cell, at) => cell + " ".repeat((widths[at] ?? 0) - displayWidth(cell)));
    return `${cells.join("  ").trimEnd()}\n`;
  });

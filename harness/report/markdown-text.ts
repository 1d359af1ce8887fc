import { printable } from "../core/printable.ts";
import { printableSql } from "../core/printable-sql.ts";

/**
 * A text in which nothing is markup: no link, image, table cell, HTML, emoji or formula. The zero-width space keeps GitHub from telling
 * the user or the issue that a name looks like.
 */
export function prose(text: string): string {
  return printable(text)
    .replace(/[\\`*_{}[\]()<>#+!|~$:&@^"=-]/g, (mark) => {
      if (mark === "<") return "&lt;";
      if (mark === ">") return "&gt;";
      if (mark === "&") return "&amp;";
      return mark === "@" || mark === "#" ? `\\${mark}\u200b` : `\\${mark}`;
    })
    .replace(/www\./gi, (www) => `${www.slice(0, -1)}\\.`);
}

/** A code span, fenced by more backticks than the text has in a row. In a table, GitHub takes `|` for a border even here. */
export function codeSpan(text: string, place: "table" | "line" = "line"): string {
  const shown = printable(text);
  const fence = "`".repeat(longestRun(shown) + 1);
  const padded = /^`|`$|^ .* $/.test(shown) ? ` ${shown} ` : shown;
  return fence + (place === "table" ? padded.replaceAll("|", "\\|") : padded) + fence;
}

export function sqlBlock(sql: string): string {
  const shown = printableSql(sql);
  const fence = "`".repeat(Math.max(3, longestRun(shown) + 1));
  return `${fence}sql\n${shown}\n${fence}`;
}

/** A text inside of HTML, where Markdown has nothing to say. */
export function htmlText(text: string): string {
  return printable(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
}

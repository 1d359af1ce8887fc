/** Comments, string constants and quoted names, the longest first. */
const quoted =
  /--[^\n]*|\/\*[\s\S]*?\*\/|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$(?:[A-Za-z_]\w*)?\$)[\s\S]*?\1/g;

/**
 * The text with spaces in place of whatever is no SQL by itself: comments, string constants, quoted names. Every other character, and every
 * line break, stays where it is, so that what is found here is found there.
 */
export function blankQuoted(sql: string): string {
  return sql.replace(quoted, (found) => found.replace(/[^\n]/g, " "));
}

/** Line of a position in a text, from 1. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}

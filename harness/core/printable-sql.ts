import { printable, printableLines, replaceTreacherous } from "./printable.ts";

/**
 * What a statement is made of, as the server's scanner and psql's see it: comments, quoted names, constants, dollar quotes. A dollar quote or
 * a letter before a quote counts only where no name runs on before it.
 */
const token =
  /(?<comment>--[^\n]*)|(?<block>\/\*)|(?<uname>(?<![\w$\u0080-\uffff])[Uu]&"(?:[^"]|"")*"?)|(?<name>"(?:[^"]|"")*"?)|(?<escaped>(?<![\w$\u0080-\uffff])[Ee]'(?:[^'\\]|\\[\s\S]|'')*'?)|(?<constant>'(?:[^']|'')*'?)|(?<dollar>(?<![\w$\u0080-\uffff])\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)/g;

/**
 * SQL that runs and means the same, without a character that must not be shown: a name that has one becomes `U&"…"`, a constant `E'…'`.
 * Line breaks and tabs between the words stay.
 */
export function printableSql(sql: string): string {
  let shown = "";
  let at = 0;
  token.lastIndex = 0;
  for (let match = token.exec(sql); match; match = token.exec(sql)) {
    const end = endOf(match, sql);
    shown += showCode(sql.slice(at, match.index)) + show(match, sql.slice(match.index, end));
    at = end;
    token.lastIndex = end;
  }
  return shown + showCode(sql.slice(at));
}

/** A cast at the beginning of a line would be an order to GitHub. */
const showCode = (code: string): string => printableLines(code.replace(/\n(?=\s*::)/g, " "));

/** Where a token ends: the expression can't follow what nests, nor what its own beginning closes. */
function endOf({ index, 0: text, groups }: RegExpExecArray, sql: string): number {
  if (groups?.dollar) {
    const end = sql.indexOf(text, index + text.length);
    return end < 0 ? sql.length : end + text.length;
  }
  if (!groups?.block) return index + text.length;
  let depth = 0;
  for (const mark of sql.slice(index).matchAll(/\/\*|\*\//g)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return index + mark.index + 2;
  }
  return sql.length;
}

function show({ groups, 0: opening }: RegExpExecArray, text: string): string {
  if (groups?.comment) return printable(withoutOrders(text));
  if (groups?.block) return printableLines(withoutOrders(text));
  if (groups?.uname) return unicodeEscapes(text);
  if (groups?.name) return isPlain(text) ? text : `U&${unicodeEscapes(text.replaceAll("\\", "\\\\"))}`;
  if (groups?.escaped) return constantEscapes(text.replace(needlessBackslash, ""));
  if (groups?.constant) return isPlain(text) ? text : `E${constantEscapes(text.replaceAll("\\", "\\\\"))}`;
  const body = text.slice(opening.length, -opening.length);
  // what is written over many lines is code, and its lines stay
  if (printableLines(body) === body && !orders.test(body)) return text;
  return `E'${constantEscapes(body.replaceAll("\\", "\\\\").replaceAll("'", "''"), true)}'`;
}

/** graphile-migrate obeys these wherever they are, inside of a name too. */
const orders = /--!|:DATABASE_(?:NAME|OWNER)\b/;
const everyOrder = /-(?=-!)|:(?=DATABASE_(?:NAME|OWNER)\b)/g;

const withoutOrders = (comment: string): string => comment.replace(everyOrder, "$& ");

/** Before a character that stands for itself with or without one. */
const needlessBackslash = /(?<=(?<!\\)(?:\\\\)*)\\(?=[^\x20-\x7e])/g;

const isPlain = (text: string): boolean => printable(text) === text && !orders.test(text);

function unicodeEscapes(text: string): string {
  const written = (character: string) => {
    const point = codePoint(character);
    return point.length > 4 ? `\\+${point.padStart(6, "0")}` : `\\${point.padStart(4, "0")}`;
  };
  return replaceTreacherous(text.replace(everyOrder, written), written);
}

function constantEscapes(text: string, lines = false): string {
  const written = (character: string) => {
    if (character === "\n") return "\\n";
    const point = codePoint(character);
    return point.length > 4 ? `\\U${point.padStart(8, "0")}` : `\\u${point.padStart(4, "0")}`;
  };
  const harmless = text.replace(everyOrder, written);
  return replaceTreacherous(harmless, (character, at) => {
    const stays = lines && printableLines(harmless.slice(at, at + 80)).startsWith(character);
    return stays ? character : written(character);
  });
}

/** Half a character is none that the server could hold. */
function codePoint(character: string): string {
  return /\p{Surrogate}/u.test(character) ? "fffd" : (character.codePointAt(0) ?? 0).toString(16);
}

/**
 * Control characters, which steer terminals and break lines; the marks that turn the direction of writing, with which a name looks like
 * another one; the two line separators of Unicode; halves of characters; and `##[`, an order to whoever keeps the log of a GitHub job.
 */
const treacherous =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]|\p{Surrogate}|#(?=#\[)/gu;

const named: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text on one line that is safe to show anywhere: what can't be shown is written as an escape, such as `\n`. */
export function printable(text: string): string {
  return text.replace(treacherous, escapeOf);
}

/**
 * The same for SQL, whose line breaks and tabs stay: it runs as shown unless a name in it has a character that must not be shown. A line
 * that begins with `::` is an order too; in SQL only a name can begin one.
 */
export function printableSql(sql: string): string {
  return sql.replace(treacherous, (character, at: number) => {
    const harmless = character === "\t" || (character === "\n" && !/^\s*::/.test(sql.slice(at, at + 80)));
    return harmless ? character : escapeOf(character);
  });
}

function escapeOf(character: string): string {
  return named[character] ?? `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}

/**
 * What must not be shown as it is: control characters, which steer terminals and break lines; whatever has no width or turns the direction
 * of writing, with which a name looks like another one; spaces that are none; halves of characters; and `##[`, an order to whoever keeps the
 * log of a GitHub job.
 */
const treacherous =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{DI}\p{Noncharacter_Code_Point}]|(?! )\p{Zs}|#(?=#\[)/gu;

const named: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text on one line that is safe to show anywhere: what can't be shown is written as an escape, such as `\n`. */
export function printable(text: string): string {
  return replaceTreacherous(text, (character) => named[character] ?? escapeOf(character));
}

/** The same for a text of our own with names in it, whose line breaks and tabs stay. A line that begins with `::` is an order to GitHub. */
export function printableLines(text: string): string {
  return replaceTreacherous(text, (character, at) => {
    if (character === "\n" && /^\s*::/.test(text.slice(at, at + 80))) return "\\n";
    return character === "\n" || character === "\t" ? character : (named[character] ?? escapeOf(character));
  });
}

/** JSON with the same content, in which whatever must not be shown is an escape. */
export function printableJson(value: unknown, indent?: number): string {
  return replaceTreacherous(JSON.stringify(value, null, indent), (character) =>
    character === "\n" ? character : codeUnits(character),
  );
}

/** Each treacherous character as `written` has it. */
export function replaceTreacherous(text: string, written: (character: string, at: number) => string): string {
  return text.replace(treacherous, written);
}

function escapeOf(character: string): string {
  const point = (character.codePointAt(0) ?? 0).toString(16);
  return point.length > 4 ? `\\u{${point}}` : `\\u${point.padStart(4, "0")}`;
}

const codeUnits = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
  ).join("");

const invisible = /^\p{M}$|^\p{Cf}$/u;
/** East Asian wide characters and pictures take two columns of a terminal. */
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]$|^\p{Emoji_Presentation}$/u;

/** Columns of a terminal that a text without control characters takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** The text in pieces none of which is wider than `room` columns. */
export function splitAtWidth(text: string, room: number): string[] {
  if (displayWidth(text) <= room) return [text];
  const pieces: string[] = [];
  let piece = "";
  let width = 0;
  for (const character of text) {
    if (piece !== "" && width + widthOf(character) > room) {
      pieces.push(piece);
      piece = "";
      width = 0;
    }
    piece += character;
    width += widthOf(character);
  }
  return [...pieces, piece];
}

function widthOf(character: string): number {
  if (character < "\u007f") return 1;
  return invisible.test(character) ? 0 : wide.test(character) ? 2 : 1;
}

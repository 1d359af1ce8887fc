import { displayWidth, splitAtWidth } from "./display-width.ts";

/**
 * Breaks a text at spaces so that no line is wider than `width` columns; the first line begins with `lead`, the others are aligned to
 * it. A word that is wider than a line is broken too.
 */
export function wrap(text: string, width: number, lead: string): string {
  const margin = " ".repeat(displayWidth(lead));
  const room = Math.max(1, width - margin.length);
  const words = text.split(/\s+/).flatMap((word) => splitAtWidth(word, room));
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (displayWidth(longer) <= room) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = word;
  }
  return [...lines, line].map((each, at) => (at === 0 ? lead : margin) + each).join("\n");
}

export function indent(text: string, by: number): string {
  return text.replace(/^/gm, " ".repeat(by));
}

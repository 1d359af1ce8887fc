/** Breaks a text at spaces so that no line is longer than `width`; the first line begins with `lead`, the others are aligned to it. */
export function wrap(text: string, width: number, lead: string): string {
  const lines: string[] = [];
  let line = lead;
  let empty = true;
  for (const word of text.split(/\s+/)) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = " ".repeat(lead.length);
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join("\n");
}

export function indent(text: string, by: number): string {
  return text.replace(/^/gm, " ".repeat(by));
}

import { isScreen } from "./terminal.ts";

// The last line of a terminal's stderr, which is written over while work goes on. There is one, whoever draws it.

let text = "";

/** Puts a text in place of what is there. A line that wraps could not be wiped away: it is cut. */
export function draw(line: string): void {
  if (!isScreen(process.stderr)) return;
  text = line.slice(0, (process.stderr.columns || 80) - 1);
  redraw();
}

/** Makes room for a line that stays. */
export function wipe(): void {
  if (text !== "") process.stderr.write("\r\u001b[2K");
}

/** Draws it again below a line that stays. */
export function redraw(): void {
  if (text !== "") process.stderr.write(`\r\u001b[2K${text}`);
}

/** Wipes it away for good. */
export function clear(): void {
  wipe();
  text = "";
}

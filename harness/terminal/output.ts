import { redraw, wipe } from "./status-line.ts";

// What the command line answers with goes to stdout, and is written here alone; what it says about its work goes to stderr.

let reading = true;
// Whoever reads may stop early, as `| head` does: there is nobody left to tell, and nothing has gone wrong.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  reading = false;
});

/** Writes to stdout, as it comes. */
export function print(text: string): void {
  if (!reading || text === "") return;
  wipe();
  process.stdout.write(text);
  redraw();
}

/** Writes a line, or several, to stderr. */
export function note(text: string): void {
  wipe();
  process.stderr.write(`${text}\n`);
  redraw();
}

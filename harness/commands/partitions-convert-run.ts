import { onExit } from "../core/cleanup.ts";
import { progress } from "../core/progress.ts";
import { type ProgressBar, progressBar } from "../core/progress-bar.ts";
import { convert, type Ending, type Running } from "../partitions/convert.ts";
import { stepInWords } from "../partitions/convert-text.ts";
import { goOn, type Session, say } from "./partitions-convert-session.ts";

/** Converts, says what it is about, and lets itself be interrupted. */
export async function convertWithBar(session: Session, running: Running): Promise<Ending> {
  const { client, relation, options } = session;
  let paused = false;
  let bar: ProgressBar | undefined;
  let stop: (() => void) | undefined;
  const clear = () => {
    bar?.stop();
    stop?.();
    bar = undefined;
    stop = undefined;
  };
  let before = "";
  const ended = convert(client, relation, {
    ...running,
    paused: () => paused,
    stopBefore: options.pauseBeforeSwap ? "swap" : undefined,
    onRows: (rows) => bar?.add(rows),
    onStep(conversion) {
      clear();
      if (conversion.step !== before) say(session, `  ${stepInWords[conversion.step]}`);
      before = conversion.step;
      if (conversion.step === "copy") {
        bar = progressBar(`copying ${relation}`, conversion.estimate);
        bar.add(conversion.copied);
      } else stop = progress(stepInWords[conversion.step]);
    },
  }).finally(clear);
  // Ctrl-C: to the end of the batch or the step, then out.
  let over = false;
  onExit(async () => {
    if (over) return;
    paused = true;
    await ended.catch(() => undefined);
    process.stderr.write(`\nPaused: what is done lasts. ${goOn(relation)}\n`);
  });
  return ended.finally(() => {
    over = !paused;
  });
}

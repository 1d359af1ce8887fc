import type { Client } from "pg";
import { interruptibly } from "../targets/session/interruptibly.ts";
import { progress } from "../terminal/progress.ts";
import { type ProgressBar, progressBar } from "../terminal/progress-bar.ts";
import type { Step } from "./conversion.ts";
import { convert, type Ending, type Running } from "./convert.ts";
import { stepInWords } from "./convert-text.ts";
import { goOn } from "./go-on.ts";

/** Where a conversion runs, and who hears of it. */
export interface Converting {
  client: Client;
  url: string;
  relation: string;
  say(line: string): void;
}

/** Statements that take as long as the table is large. Cancelled, they are begun anew by the next run. */
const long = new Set<Step | undefined>(["index", "prove", "verify", "validate"]);

/** Converts, says what it is about, and lets itself be interrupted: after the batch or the step, or in the middle of a long statement. */
export async function convertWithBar(
  { client, url, relation, say }: Converting,
  running: Running,
): Promise<Ending> {
  let bar: ProgressBar | undefined;
  let stop: (() => void) | undefined;
  const clear = () => {
    bar?.stop();
    stop?.();
    bar = undefined;
    stop = undefined;
  };
  let before: Step | undefined;
  const tell = () =>
    `what is done lasts${before ? `; next it ${stepInWords[before]}` : ""}. ${goOn(relation)}`;
  return interruptibly({ client, url, cancels: () => long.has(before), tell }, (interrupted) =>
    convert(client, relation, {
      ...running,
      paused: interrupted,
      onRows: (rows) => bar?.add(rows),
      onWait(who) {
        clear();
        say(`  waits for ${who}, which began before the copy was complete`);
        stop = progress(`waiting for ${who}`);
      },
      onStep(conversion) {
        clear();
        if (conversion.step !== before) say(`  ${stepInWords[conversion.step]}`);
        before = conversion.step;
        if (conversion.step === "copy") {
          bar = progressBar(`copying ${relation}`, conversion.estimate);
          bar.add(conversion.copied);
        } else stop = progress(stepInWords[conversion.step]);
      },
    }).finally(clear),
  );
}

import { count } from "./numbers.ts";
import { clear, draw } from "./status-line.ts";
import { isScreen } from "./terminal.ts";

/** What is done of something that is counted. */
export interface ProgressBar {
  add(done: number): void;
  /** Wipes it away. */
  stop(): void;
}

const width = 12;
/** Shorter work needs none. */
const appearsAfterMs = 1_000;

/** A bar on a terminal's stderr, with rate and time left, once it has taken a second; elsewhere nothing. */
export function progressBar(what: string, total: number): ProgressBar {
  if (!isScreen(process.stderr)) return { add: () => undefined, stop: () => undefined };
  const started = performance.now();
  let done = 0;
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - started;
    if (elapsedMs >= appearsAfterMs) draw(bar(what, done, Math.max(total, done), elapsedMs));
  }, 200);
  timer.unref();
  return {
    add(more) {
      done += more;
    },
    stop() {
      clearInterval(timer);
      clear();
    },
  };
}

/** `sealing public.customers ████────────  29 %  12,000/41,000  19,800/s  2 s left` */
export function bar(what: string, done: number, total: number, elapsedMs: number): string {
  const share = total === 0 ? 1 : done / total;
  const full = Math.round(share * width);
  const perSecond = (done / elapsedMs) * 1000;
  const left = perSecond > 0 ? `  ${Math.ceil((total - done) / perSecond)} s left` : "";
  const number = (value: number) => count(Math.round(value));
  return `${what} ${"█".repeat(full)}${"─".repeat(width - full)} ${Math.floor(share * 100)} %  ${number(done)}/${number(total)}  ${number(perSecond)}/s${left}`;
}

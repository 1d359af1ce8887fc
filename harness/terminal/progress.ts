import { clear, draw } from "./status-line.ts";
import { isScreen } from "./terminal.ts";

const appearsAfterMs = 500;

/** Says on a terminal's stderr what is going on, once it has taken half a second. Returns the function that wipes it away. */
export function progress(what: string): () => void {
  if (!isScreen(process.stderr)) return () => undefined;
  const started = performance.now();
  const timer = setInterval(
    () => draw(`${what} … ${((performance.now() - started) / 1000).toFixed(1)} s`),
    appearsAfterMs,
  );
  timer.unref();
  return () => {
    clearInterval(timer);
    clear();
  };
}

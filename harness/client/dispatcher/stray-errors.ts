import { describeThrown } from "./error-text.ts";
import { blameCurrent } from "./handlers.ts";
import type { Metrics } from "./metrics.ts";

/**
 * A promise that no handler waits for, or a callback that throws, would end the process and with it all that others have at work. It fails
 * the event whose handler it comes from, if that is at work still; otherwise it is logged. Returns what undoes it.
 */
export function surviveStrayErrors(log: (line: string) => void, metrics: Metrics): () => void {
  const survive = (error: unknown) => {
    // Nobody reads what is logged: logging that would come back here.
    if (describeThrown(error).error.includes("EPIPE")) return;
    metrics.count("stray_errors_total");
    const fate = blameCurrent(error) ? "the event at work fails by it" : "of no event that is known";
    log(`an error that nobody waited for, ${fate}: ${describeThrown(error).error}`);
  };
  process.on("unhandledRejection", survive);
  process.on("uncaughtException", survive);
  return () => {
    process.off("unhandledRejection", survive);
    process.off("uncaughtException", survive);
  };
}

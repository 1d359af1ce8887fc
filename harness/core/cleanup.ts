import { exitCodes } from "./errors.ts";

/**
 * What has to be let go of when the command ends, also when it ends by Ctrl-C or SIGTERM: the newest
 * first, each once. A kill -9 skips all of it, so nothing here may be needed for correctness.
 */
type Release = () => Promise<void>;
const pending: Release[] = [];
let listening = false;

export function onExit(release: Release): Release {
  if (!listening) {
    listening = true;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => void releaseAll().finally(() => process.exit(exitCodes.interrupted)));
    }
  }
  let releasing: Promise<void> | undefined;
  // whoever comes second, signal handler or main flow, waits for the first
  const once = () => {
    if (!releasing) {
      pending.splice(pending.indexOf(once), 1);
      releasing = release();
    }
    return releasing;
  };
  pending.push(once);
  return once;
}

async function releaseAll(): Promise<void> {
  for (const release of [...pending].reverse()) await release().catch(() => undefined);
}

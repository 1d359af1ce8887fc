import { exitCodes, HarnessError } from "./errors.ts";

/**
 * What has to be let go of when the command ends, also when it ends by Ctrl-C or SIGTERM: the newest
 * first, each once. A kill -9 skips all of it, so nothing here may be needed for correctness.
 */
type Release = () => Promise<void>;
const pending: Release[] = [];
const accounts: (() => string)[] = [];
let listening = false;
let interruption: Promise<void> | undefined;

/** @throws HarnessError `interrupted` if the command is ending: what would have to be let go of must not be made any more */
export function onExit(release: Release): Release {
  if (interruption) {
    throw new HarnessError({
      code: "interrupted",
      message: "interrupted",
      exitCode: exitCodes.interrupted,
    });
  }
  listen();
  let releasing: Promise<void> | undefined;
  // whoever comes second, signal handler or main flow, waits for the first
  const once = () => {
    releasing ??= release().finally(() => void pending.splice(pending.indexOf(once), 1));
    return releasing;
  };
  pending.push(once);
  return once;
}

/**
 * What to tell whoever interrupts the command, in whole sentences: what was done, what is left, how to go on.
 * Asked once everything has been let go of. Returns the function that takes it back.
 */
export function onInterrupt(account: () => string): () => void {
  listen();
  accounts.push(account);
  return () => {
    if (!interruption) accounts.splice(accounts.indexOf(account), 1);
  };
}

/** Resolves at once, or, while the command is being interrupted, when everything has been let go of: connections are needed for that. */
export async function untilReleased(): Promise<void> {
  await interruption;
}

/** Whether Ctrl-C or SIGTERM is ending the command: what fails from now on fails for that reason alone. */
export function isInterrupted(): boolean {
  return interruption !== undefined;
}

function listen(): void {
  if (listening) return;
  listening = true;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      interruption ??= releaseAll();
      void interruption.finally(() => {
        for (const account of accounts) process.stderr.write(`harness: interrupted: ${account()}\n`);
        process.exit(exitCodes.interrupted);
      });
    });
  }
}

async function releaseAll(): Promise<void> {
  for (let next = pending.at(-1); next; next = pending.at(-1)) await next().catch(() => undefined);
}

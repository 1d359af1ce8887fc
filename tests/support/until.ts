import { setTimeout as delay } from "node:timers/promises";

/** Waits for a condition that another process brings about. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await condition()); await delay(10)) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
  }
}

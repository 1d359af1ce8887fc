import type { Client } from "pg";
import { interruptibly } from "../targets/session/interruptibly.ts";
import { describeEnsured, type Ensured, ensuredSoFar, ensureNow, nothingEnsured } from "./ensure-run.ts";
import { liftTimeouts } from "./lift-timeouts.ts";
import { installPack, packState } from "./pack.ts";
import type { PruneLimits } from "./prune.ts";
import { planPrune } from "./prune-plan.ts";
import { nothingPruned, type Pruned, pruneNow } from "./prune-run.ts";
import { describePruned, prunedSoFar } from "./prune-text.ts";

/** Advisory lock: one maintenance run per database. */
const lock = 1_885_434_485;

/** False if another run has its turn. It goes with the connection, also when this is killed. */
export async function takeMaintenance(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ mine: boolean }>("select pg_try_advisory_lock($1) as mine", [lock]);
  return rows[0]?.mine ?? false;
}

export interface Maintained {
  /** What was done about the functions, in a word; null: nothing. */
  installed: string | null;
  ensured: Pick<Ensured, "made" | "failed">;
  pruned: Pick<Pruned, "pruned" | "failed">;
}

/** Partitions ahead, and expired ones as is kept up for each table; then `last`. Ends early where it is interrupted. */
export async function maintain<T>(
  client: Client,
  url: string,
  limits: PruneLimits,
  last: (interrupted: () => boolean) => T | Promise<T>,
): Promise<Maintained & { last: T }> {
  // Where nothing is kept up there is nothing to install for.
  const needed = (await packState(client)) !== "missing";
  const installed = needed ? await installPack(client) : null;
  const ensured = nothingEnsured();
  const pruned = nothingPruned();
  const tell = () =>
    `${ensuredSoFar(ensured)}; ${prunedSoFar(pruned)}. What was done lasts: harness partitions maintain does the rest`;
  await liftTimeouts(client);
  const result = await interruptibly({ client, url, cancels: () => true, tell }, async (interrupted) => {
    if (needed) {
      await ensureNow(client, undefined, limits.lockTimeoutMs, ensured, interrupted);
      await pruneNow(client, {}, await planPrune(client, {}), limits, pruned, interrupted);
    }
    return last(interrupted);
  });
  return {
    installed,
    ensured: { made: ensured.made, failed: ensured.failed },
    pruned: { pruned: pruned.pruned, failed: pruned.failed },
    last: result,
  };
}

export const describeMaintained = ({ installed, ensured, pruned }: Maintained): string =>
  [
    installed ? `${installed} the schema partitions\n` : "",
    describeEnsured(ensured),
    describePruned(pruned) || "Nothing has expired\n",
  ].join("");

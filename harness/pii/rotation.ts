import type { Client } from "pg";
import { exitCodes, HarnessError } from "../core/errors.ts";
import { paint } from "../terminal/color.ts";
import { count } from "../terminal/numbers.ts";
import { beginRotation, finishRotation, rewrap, rotationState } from "./rotate.ts";
import type { Sealed } from "./seal.ts";
import { describeSealed, type Effort, sealTables, type Tally } from "./sealing.ts";
import { assertKey, type Keys } from "./session.ts";
import { type ProtectedTable, protectedTables, unusableTables } from "./tables.ts";

export interface RotateOptions {
  finish: boolean;
  /** The configured key only: data keys stay, and no row is touched. */
  wrappingOnly: boolean;
}

export interface Rotation {
  /** What happened, in words. */
  steps: string[];
  sealed: Sealed[];
  /** What to do next, or null at the end. */
  next: string | null;
}

/**
 * New data keys for every tenant, under a new configured key if there is one. Each step finds in the database what was done before.
 * @param steps gets what happened, in words, as it happens
 * @param effort of sealing, with what it has done so far
 * @throws HarnessError `rotation-refused`
 */
export async function runRotation(
  client: Client,
  url: string,
  keys: Keys & { key: string },
  options: RotateOptions,
  { effort, tally, steps }: { effort: Effort; tally: Tally; steps: string[] },
): Promise<Rotation> {
  const { key, nextKey } = keys;
  // A data key is the tenant's in all tables.
  const tables = await protectedTables(client);
  // after a change that was finished the old key is none any more, and the new one is the key already
  await assertKey(client, key).catch((error) => {
    if (!nextKey) throw error;
    return assertKey(client, nextKey);
  });
  await refuseUnreachable(client);
  if (options.finish) return finish(client, tables, key);
  const seal = () => sealTables(client, url, tables, { key }, effort, tally);
  return rotate(client, tables, keys, options.wrappingOnly, seal, steps);
}

/** Values that nobody can reach would be lost with their keys; a table that was dropped has none. */
async function refuseUnreachable(client: Client): Promise<void> {
  const lost = (await unusableTables(client)).find(({ gone }) => !gone);
  if (!lost) return;
  throw new HarnessError({
    code: "rotation-refused",
    message: `${lost.table} ${lost.reason}`,
    hint: "Nothing was begun: its values would be lost with the old keys.",
    exitCode: exitCodes.findings,
  });
}

/** @throws HarnessError `which-key` */
export function checkKeys(
  { finish: finishing, wrappingOnly }: RotateOptions,
  key: string,
  nextKey: string | undefined,
): void {
  const wrong =
    (finishing &&
      nextKey &&
      "--finish wants the new key as HARNESS_PII_KEY, and HARNESS_PII_NEW_KEY unset") ||
    (wrappingOnly &&
      !nextKey &&
      "--wrapping-only is for a new configured key, and HARNESS_PII_NEW_KEY is not set") ||
    (nextKey?.toLowerCase() === key.toLowerCase() && "HARNESS_PII_NEW_KEY is HARNESS_PII_KEY");
  if (!wrong) return;
  throw new HarnessError({
    code: "which-key",
    message: wrong,
    hint: "See the rotation in docs/runbooks/pii.md.",
  });
}

const whenDeployed =
  "give every application the new key, then HARNESS_PII_KEY=<the new one> harness pii rotate --finish";

async function rotate(
  client: Client,
  tables: readonly ProtectedTable[],
  keys: Keys & { key: string },
  wrappingOnly: boolean,
  seal: () => Promise<Sealed[]>,
  steps: string[],
): Promise<Rotation> {
  const { key, nextKey } = keys;
  const state = await rotationState(client, nextKey ?? key);
  if (state.tenants === 0) return { steps: ["nothing is sealed yet"], sealed: [], next: null };
  if (nextKey && state.unopened === 0 && state.rotating === 0) {
    return state.changing > 0
      ? { steps: ["the new key opens everything already"], sealed: [], next: whenDeployed }
      : { steps: ["HARNESS_PII_NEW_KEY is the key already"], sealed: [], next: null };
  }
  if (state.rotating > 0) steps.push(`going on with the rotation of ${count(state.rotating)} tenants`);
  else if (!wrappingOnly)
    steps.push(`${count(await beginRotation(client, keys))} tenants got a new data key`);
  if (nextKey) {
    const wrapped = await rewrap(client, keys);
    if (wrapped > 0) steps.push(`${count(wrapped)} data keys were wrapped under the new key too`);
  }
  const sealed = wrappingOnly ? [] : await seal();
  if (sealed.some(({ left }) => left > 0)) {
    return {
      steps,
      sealed,
      next: "see to the rows above, then run this again: the old keys stay until then",
    };
  }
  if (nextKey || state.changing > 0) return { steps, sealed, next: whenDeployed };
  const { tenants } = await finishRotation(client, tables, key);
  steps.push(`the old data keys of ${count(tenants)} tenants are destroyed`);
  return { steps, sealed, next: null };
}

async function finish(client: Client, tables: readonly ProtectedTable[], key: string): Promise<Rotation> {
  const { tenants, keys } = await finishRotation(client, tables, key);
  const steps = [
    ...(tenants > 0 ? [`the old data keys of ${count(tenants)} tenants are destroyed`] : []),
    ...(keys > 0 ? [`the old configured key no longer opens ${count(keys)} data keys`] : []),
  ];
  return { steps: steps.length > 0 ? steps : ["no rotation is under way"], sealed: [], next: null };
}

/** For people, a line each. */
export const describeRotation = ({ steps, sealed, next }: Rotation): string[] => [
  ...steps,
  ...sealed.flatMap(describeSealed),
  next ? `${paint.bold("next:")} ${next}` : paint.green("complete"),
];

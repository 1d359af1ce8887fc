import type { Client } from "pg";
import { exitCodes, HarnessError } from "../core/errors.ts";
import { patiently, sqlstateOf } from "../sql/patience.ts";
import { inTransaction } from "../sql/transaction.ts";

export const isDiskFull = (error: unknown): boolean => sqlstateOf(error) === "53100";

/**
 * Lets go of a copy that has filled the disk: every change of the table would be made in it too, and be refused. The swap is out of reach until
 * all is copied anew.
 * @returns what to throw: `disk-full`
 */
export async function giveUpCopy(client: Client, relation: string, error: unknown): Promise<HarnessError> {
  const ask = <T>(statement: string) =>
    patiently(
      () =>
        inTransaction(
          client,
          "read write",
          async () => (await client.query(statement, [relation])).rows[0] as T,
          {
            lockTimeoutMs: 250,
          },
        ),
      40,
    );
  const state = await ask<{ given: boolean }>("select partitions.give_up_copy($1) as given").then(
    ({ given }) => (given ? "given up" : "none"),
    () => "kept",
  );
  if (state === "given up") await ask("select partitions.empty_copy($1)").catch(() => undefined);
  const back = `harness partitions convert ${relation} --rollback takes it back`;
  const hints = {
    "given up": `The copy was given up, so that writers go on. Make room and run this again, it copies anew; or ${back}; --method attach copies nothing.`,
    none: `Make room and run this again; or ${back}.`,
    kept: `Changes of the table are refused until there is room: ${back}.`,
  };
  return new HarnessError({
    code: "disk-full",
    message: `${relation}: the disk is full: ${(error as Error).message}`,
    hint: hints[state as keyof typeof hints],
    exitCode: exitCodes.findings,
    cause: error,
  });
}

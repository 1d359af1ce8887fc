import { jsonOutput } from "../command-line/json-output.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { blockersOf, findConversion, planConversion } from "../partitions/conversion.ts";
import { describeBlockers, describePlan, stepInWords } from "../partitions/convert-text.ts";
import { packSql, packState } from "../partitions/pack.ts";
import { inTransaction } from "../sql/transaction.ts";
import { print } from "../terminal/output.ts";
import { type Session, wishOf } from "./partitions-convert-session.ts";

/** What would be done and what stands in the way. Where the functions are not installed it asks in a transaction that it rolls back. */
export async function rehearse(session: Session): Promise<ExitCode> {
  const { client, options, branch } = session;
  const undo = new Error("dry run");
  let exitCode: ExitCode = exitCodes.clean;
  const state = await packState(client);
  await inTransaction(
    client,
    state === "current" ? "read only" : "read write",
    async () => {
      if (state !== "current") await client.query(packSql());
      const known = await findConversion(client, session.relation);
      if (known) {
        if (options.json) print(jsonOutput({ branch, conversion: known, dryRun: true }));
        else print(`a conversion of ${known.relation} is under way: next it ${stepInWords[known.step]}\n`);
        throw undo;
      }
      const wish = wishOf(session);
      const plan = await planConversion(client, wish);
      const blockers = await blockersOf(client, wish, plan.method);
      if (options.json) print(jsonOutput({ branch, plan, blockers, dryRun: true }));
      else print(`${describePlan(plan, wish)}${describeBlockers(blockers)}Nothing was changed\n`);
      if (blockers.length > 0) exitCode = exitCodes.findings;
      throw undo;
    },
    { first: "set local client_min_messages = warning", statementTimeoutMs: 0 },
  ).catch((error) => {
    if (error !== undo) throw error;
  });
  return exitCode;
}

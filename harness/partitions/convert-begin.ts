import { inTransaction } from "../sql/transaction.ts";
import {
  type Blocker,
  beginConversion,
  blockersOf,
  type Conversion,
  findConversion,
  isPartitionedBy,
  planConversion,
} from "./conversion.ts";
import { type Ending, finish, type Running, rollBack } from "./convert.ts";
import {
  type ConvertRequest,
  notConvertedYet,
  nothingUnderWay,
  refuseOtherWish,
  wishOf,
} from "./convert-request.ts";
import { type Converting, convertWithBar } from "./convert-run.ts";
import { describePlan } from "./convert-text.ts";

/** How a run ended; `refused`: something stands in the way. */
export type Ended =
  | { ending: Ending | "rolled-back" }
  | { ending: "refused"; plan: Conversion; blockers: Blocker[] };

/** Begins a conversion, or goes on with the one that is under way. */
export async function goAhead(
  converting: Converting,
  request: ConvertRequest,
  running: Running,
): Promise<Ended> {
  const { client, relation } = converting;
  const known = await findConversion(client, relation);
  if (known) refuseOtherWish(known, request);
  else if (await isPartitionedBy(client, relation, request.key)) return { ending: "done" };
  else {
    const refused = await begin(converting, request);
    if (refused) return refused;
  }
  return { ending: await convertWithBar(converting, running) };
}

async function begin({ client, relation, say }: Converting, request: ConvertRequest): Promise<Ended | null> {
  const wish = wishOf(relation, request);
  const plan = await inTransaction(client, "read only", () => planConversion(client, wish), {
    statementTimeoutMs: 0,
  });
  const blockers = await blockersOf(client, wish, plan.method);
  if (blockers.length > 0) return { ending: "refused", plan, blockers };
  say(describePlan(plan, wish).trimEnd());
  await inTransaction(client, "read write", () => beginConversion(client, wish), { statementTimeoutMs: 0 });
  return null;
}

/** Ends a conversion for good, with its result or without. */
export async function end(
  { client, relation }: Converting,
  how: "finish" | "rollback",
  running: Running,
): Promise<Ended> {
  const known = await findConversion(client, relation);
  if (!known) throw nothingUnderWay(relation);
  if (how === "finish" && known.step !== "finish") throw notConvertedYet(known);
  await (how === "finish" ? finish : rollBack)(client, relation, running);
  return { ending: how === "finish" ? "done" : "rolled-back" };
}

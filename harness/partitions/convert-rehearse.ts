import type { Client } from "pg";
import { inTransaction } from "../sql/transaction.ts";
import {
  type Blocker,
  blockersOf,
  type Conversion,
  findConversion,
  planConversion,
  type Wish,
} from "./conversion.ts";
import { type ConvertRequest, wishOf } from "./convert-request.ts";
import { describeBlockers, describePlan, stepInWords } from "./convert-text.ts";
import { packSql, packState } from "./pack.ts";

/** What a conversion is doing already, or what it would do and what stands in the way. */
export type Rehearsal = { conversion: Conversion } | { plan: Conversion; blockers: Blocker[]; wish: Wish };

/** Changes nothing. Where the functions are not installed it asks in a transaction that it rolls back. */
export async function rehearseConversion(
  client: Client,
  relation: string,
  request: ConvertRequest,
): Promise<Rehearsal> {
  const undo = new Error("dry run");
  let found: Rehearsal | undefined;
  const state = await packState(client);
  await inTransaction(
    client,
    state === "current" ? "read only" : "read write",
    async () => {
      if (state !== "current") await client.query(packSql());
      found = await ask(client, relation, request);
      throw undo;
    },
    { first: "set local client_min_messages = warning", statementTimeoutMs: 0 },
  ).catch((error) => {
    if (error !== undo) throw error;
  });
  return found as Rehearsal;
}

async function ask(client: Client, relation: string, request: ConvertRequest): Promise<Rehearsal> {
  const conversion = await findConversion(client, relation);
  if (conversion) return { conversion };
  const wish = wishOf(relation, request);
  const plan = await planConversion(client, wish);
  return { plan, blockers: await blockersOf(client, wish, plan.method), wish };
}

/** For people: what is under way, or what would be done and what stands in the way. */
export function describeRehearsal(rehearsal: Rehearsal): string {
  if ("conversion" in rehearsal) {
    const { relation, step } = rehearsal.conversion;
    return `a conversion of ${relation} is under way: next it ${stepInWords[step]}\n`;
  }
  const { plan, blockers, wish } = rehearsal;
  return `${describePlan(plan, wish)}${describeBlockers(blockers)}Nothing was changed\n`;
}

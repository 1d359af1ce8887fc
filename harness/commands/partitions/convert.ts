import type { Client } from "pg";
import { needed } from "../../command-line/argument.ts";
import { type Answer, command } from "../../command-line/command.ts";
import { badOption, flag, option, type ValuesOf } from "../../command-line/option.ts";
import { period, premake } from "../../command-line/partition-options.ts";
import { withPartitions } from "../../command-line/partition-session.ts";
import { json, writing } from "../../command-line/shared-options.ts";
import { choice, count, interval, seconds, table, text } from "../../command-line/values.ts";
import { exitCodes } from "../../core/errors.ts";
import type { Converting } from "../../partitions/convert-run.ts";
import { methods } from "../../partitions/settings.ts";
import { print } from "../../terminal/output.ts";

const options = {
  key: option(text("column"), "column to partition by: a date or a timestamp"),
  period: option(period, "day, week, month, quarter or year (default: month)"),
  timeZone: option(text("zone"), "whose midnight bounds partitions of a timestamptz (default: UTC)"),
  method: option(
    choice("method", methods),
    "attach or shadow (default: by the rule in docs/partitions-convert.md)",
  ),
  extendKeys: flag("add the column to unique keys that lack it"),
  premake: option(premake, "periods ahead", "3"),
  retention: option(interval, "how long rows are to be kept: '12 months'"),
  maxPartitions: option(
    count("number", { most: 100_000 }),
    "refuse to make more, as for a row of 9999-12-31 (default: 500)",
  ),
  batch: option(count("rows", { most: 1_000_000 }), "rows in a transaction, at most", "5000"),
  rate: option(count("rows", { most: 10_000_000 }), "at most so many rows a second"),
  lockTimeout: option(seconds(), "how long writers may queue behind a lock, each time", "0.05"),
  wait: option(seconds(), "longest wait for such locks, and for transactions older than the copy", "600"),
  pauseBeforeSwap: flag("do everything but the swap"),
  rollback: flag("leave nothing of a conversion that has not been swapped"),
  finish: flag("drop the old table that is kept after the swap"),
  dryRun: flag("change nothing, say what would be done and what stands in the way"),
  ...json,
  ...writing,
};

type Given = ValuesOf<typeof options>;

/** Exit code 1 if something stands in the way. */
export default command({
  summary: "partition a table while it is in use; run again, it goes on where it stopped",
  arguments: { table: needed(table, "the table") },
  options,
  async run(given, { table: named }) {
    const { rollback, finish, dryRun } = given;
    if ([rollback, finish, dryRun].filter(Boolean).length > 1)
      throw badOption("--dry-run, --rollback and --finish exclude each other", "Choose one.");
    const { refusePooler } = await import("../../migrate/migration-url.ts");
    const { goOn } = await import("../../partitions/go-on.ts");
    const { wholeName } = await import("../../partitions/status.ts");
    const mode = dryRun ? "reads" : "writes";
    const again = dryRun
      ? "Nothing was changed: run this again."
      : rollback || finish
        ? "It was done as a whole or not at all: run this again."
        : `What is done lasts: ${goOn(named)}`;
    return withPartitions(given, mode, "partitions convert", again, async ({ client, target }) => {
      const { branch, url } = target;
      await refusePooler(client, url);
      const relation = await wholeName(client, named);
      if (dryRun) return rehearse(given, branch, client, relation);
      const say = (line: string) => print(given.json ? "" : `${line}\n`);
      return convert(given, branch, { client, url, relation, say });
    });
  },
});

async function rehearse(
  given: Given,
  branch: string | null,
  client: Client,
  relation: string,
): Promise<Answer> {
  const { describeRehearsal, rehearseConversion } = await import("../../partitions/convert-rehearse.ts");
  const rehearsal = await rehearseConversion(client, relation, given);
  const { wish: _, ...known } = { wish: null, ...rehearsal };
  const blocked = "blockers" in rehearsal && rehearsal.blockers.length > 0;
  return {
    json: { branch, ...known, dryRun: true },
    text: describeRehearsal(rehearsal),
    exitCode: blocked ? exitCodes.findings : exitCodes.clean,
  };
}

async function convert(given: Given, branch: string | null, converting: Converting): Promise<Answer> {
  const { end, goAhead } = await import("../../partitions/convert-begin.ts");
  const { describeBlockers, describeEnding } = await import("../../partitions/convert-text.ts");
  const { installPack } = await import("../../partitions/pack.ts");
  const { inTurn } = await import("../../partitions/turn.ts");
  const { client, relation, say } = converting;
  const { batch, rate, lockTimeout: lockTimeoutMs, wait: patienceMs, pauseBeforeSwap } = given;
  const stopBefore = pauseBeforeSwap ? ("swap" as const) : undefined;
  const running = { batch, rate, lockTimeoutMs, patienceMs, stopBefore, paused: () => false };
  const installed = await installPack(client);
  if (installed) say(`${installed} the schema partitions`);
  // from the plan on, so that of two that begin at once the second hears of the first
  const work = () =>
    given.finish || given.rollback
      ? end(converting, given.finish ? "finish" : "rollback", running)
      : goAhead(converting, given, running);
  const ended = await inTurn(client, relation, work, patienceMs);
  if (ended.ending !== "refused") {
    return {
      json: { branch, table: relation, ending: ended.ending },
      text: describeEnding(relation, ended.ending),
    };
  }
  const { plan, blockers, ending } = ended;
  return {
    json: { branch, plan, blockers, ending },
    text: describeBlockers(blockers),
    exitCode: exitCodes.findings,
  };
}

import { type Answer, command } from "../../command-line/command.ts";
import { flag, option, type ValuesOf } from "../../command-line/option.ts";
import { ending, lockTimeout, oneTable, period, premake } from "../../command-line/partition-options.ts";
import { withPartitions } from "../../command-line/partition-session.ts";
import { json, writing } from "../../command-line/shared-options.ts";
import { interval, text } from "../../command-line/values.ts";
import { exitCodes, HarnessError } from "../../core/errors.ts";
import { printable } from "../../core/printable.ts";
import { printableSql } from "../../core/printable-sql.ts";
import { note, print } from "../../terminal/output.ts";

const settings = {
  period: option(period, "day, week, month, quarter or year"),
  premake: option(premake, "how many after the current one (default: 3)"),
  timeZone: option(text("name"), "whose midnight is a bound (default: UTC)"),
  retention: option(interval, "how long rows are kept, such as '12 months'; none: for ever"),
  ...ending,
};
const options = {
  ...settings,
  ...lockTimeout,
  dryRun: flag("change nothing, print the SQL"),
  ...json,
  ...writing,
};

type Given = ValuesOf<typeof options>;

/** Exit code 1 if a table could not have its partitions. */
export default command({
  summary: "make the partitions ahead; with settings, keep a table up from now on",
  arguments: oneTable,
  options,
  async run(given, { table }) {
    const { areGiven } = await import("../../partitions/settings.ts");
    if (table === undefined && areGiven(settingsOf(given))) {
      throw new HarnessError({
        code: "which-table",
        message: "settings are those of one table",
        hint: "Name it: harness partitions ensure TABLE --period month.",
      });
    }
    return given.dryRun ? rehearse(given, table) : ensure(given, table);
  },
});

const settingsOf = ({ period, premake, timeZone, retention, expired, archiveSchema }: Given) => ({
  ...{ period, premake, timeZone, retention, expired, archiveSchema },
});

async function ensure(given: Given, table: string | undefined): Promise<Answer> {
  const { describeEnsured, ensureNow, ensuredSoFar, nothingEnsured } = await import(
    "../../partitions/ensure-run.ts"
  );
  const { installPack, packState } = await import("../../partitions/pack.ts");
  const { areGiven, manage } = await import("../../partitions/settings.ts");
  const { wholeName } = await import("../../partitions/status.ts");
  const { inTransaction } = await import("../../sql/transaction.ts");
  const { interruptibly } = await import("../../targets/session/interruptibly.ts");
  const settings = settingsOf(given);
  const again = "Partitions that were made last: run this again, it makes what is missing.";
  return withPartitions(
    given,
    "writes",
    "partitions ensure",
    again,
    async ({ client, target: { branch, url } }) => {
      const name = table === undefined ? undefined : await wholeName(client, table);
      // Where nothing was ever said of a table there is nothing to install for.
      if (name === undefined && (await packState(client)) === "missing") {
        return {
          json: { branch, installed: null, made: [], failed: [] },
          text: "No table is kept up: harness partitions ensure TABLE --period month keeps one up from then on\n",
        };
      }
      const installed = await installPack(client);
      if (installed && !given.json) print(`${installed} the schema partitions\n`);
      if (name !== undefined && areGiven(settings))
        await inTransaction(client, "read write", () => manage(client, name, settings));
      const done = nothingEnsured();
      const tell = () => ensuredSoFar(done);
      await interruptibly({ client, url, cancels: () => true, tell }, (interrupted) =>
        ensureNow(client, name, given.lockTimeout, done, interrupted),
      );
      const { made, failed } = done;
      return {
        json: { branch, installed, made, failed },
        text: describeEnsured(done),
        exitCode: failed.length === 0 ? exitCodes.clean : exitCodes.findings,
      };
    },
  );
}

async function rehearse(given: Given, table: string | undefined): Promise<Answer> {
  const { rehearseEnsure } = await import("../../partitions/ensure.ts");
  const { refusal } = await import("../../partitions/ensure-run.ts");
  const { wholeName } = await import("../../partitions/status.ts");
  const again = "Nothing was changed: run this again.";
  return withPartitions(given, "reads", "partitions ensure", again, async ({ client, target }) => {
    const name = table === undefined ? undefined : await wholeName(client, table);
    const answer = await rehearseEnsure(client, name, settingsOf(given));
    const { failed, sql } = answer;
    if (name !== undefined && failed[0]) throw refusal(failed[0]);
    for (const { table: one, reason } of failed) note(printable(`${one}: ${reason}`));
    return {
      json: { branch: target.branch, dryRun: true, ...answer },
      text: printableSql(sql) || "-- Nothing is missing\n",
      exitCode: failed.length === 0 ? exitCodes.clean : exitCodes.findings,
    };
  });
}

import { type Answer, command } from "../../command-line/command.ts";
import { withClientEndingEarly } from "../../command-line/ending-early.ts";
import { flag, type ValuesOf } from "../../command-line/option.ts";
import { oneTable, sealing } from "../../command-line/pii-options.ts";
import { withClient } from "../../command-line/session.ts";
import { json, writing } from "../../command-line/shared-options.ts";
import { exitCodes } from "../../core/errors.ts";

const options = {
  ...oneTable,
  ...sealing,
  dryRun: flag("change nothing, say what there is to do"),
  ...json,
  ...writing,
};

/** Exit code 1 if something is left. */
export default command({
  summary: "seal what stands in clear, or drop it where a table is retiring; can be killed and run again",
  options,
  run: (given) => (given.dryRun ? rehearse(given) : backfill(given)),
});

async function backfill(given: ValuesOf<typeof options>): Promise<Answer> {
  const { requireKey } = await import("../../pii/key.ts");
  const { atTheRate, describeSealed, sealTables, Tally } = await import("../../pii/sealing.ts");
  const { assertKey } = await import("../../pii/session.ts");
  const { describeUnusable, protectedTables, unusableTables } = await import("../../pii/tables.ts");
  const key = requireKey("HARNESS_PII_KEY");
  const tally = new Tally();
  const early = { done: () => tally.text(), goOn: "Run harness pii backfill again: it goes on from there." };
  return withClientEndingEarly(given, "writes", "pii backfill", early, async ({ client, target }) => {
    const tables = await protectedTables(client, given.table);
    await assertKey(client, key);
    const sealed = await sealTables(client, target.url, tables, { key }, atTheRate(given), tally);
    const passedBy = describeUnusable(given.json ? [] : await unusableTables(client));
    return {
      json: { branch: target.branch, tables: sealed },
      text: [...sealed.flatMap(describeSealed), ...passedBy].map((line) => `${line}\n`).join(""),
      exitCode: sealed.every(({ left }) => left === 0) ? exitCodes.clean : exitCodes.findings,
    };
  });
}

async function rehearse(given: ValuesOf<typeof options>): Promise<Answer> {
  const { describeWork, planSealing } = await import("../../pii/seal-plan.ts");
  const { atTheRate } = await import("../../pii/sealing.ts");
  const { batch } = atTheRate(given);
  return withClient(given, "reads", "pii backfill", async ({ client, target }) => {
    const tables = await planSealing(client, given.table, batch);
    return {
      json: { branch: target.branch, dryRun: true, tables },
      text: `${describeWork(tables, batch)}Nothing was changed\n`,
    };
  });
}

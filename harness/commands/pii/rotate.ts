import { command } from "../../command-line/command.ts";
import { withClientEndingEarly } from "../../command-line/ending-early.ts";
import { flag } from "../../command-line/option.ts";
import { sealing } from "../../command-line/pii-options.ts";
import { json, writing } from "../../command-line/shared-options.ts";
import { exitCodes } from "../../core/errors.ts";

/** Exit code 1 while something is under an old key that should not be. */
export default command({
  summary: "new data keys, and with HARNESS_PII_NEW_KEY a new configured key; can be killed and run again",
  options: {
    ...sealing,
    finish: flag("destroy the old keys; refused while a value is under one"),
    wrappingOnly: flag("change the configured key and touch no row"),
    ...json,
    ...writing,
  },
  async run({ finish, wrappingOnly, ...options }) {
    const { keyFromEnvironment, requireKey } = await import("../../pii/key.ts");
    const { checkKeys, describeRotation, runRotation } = await import("../../pii/rotation.ts");
    const { atTheRate, Tally } = await import("../../pii/sealing.ts");
    const { describeUnusable, unusableTables } = await import("../../pii/tables.ts");
    const key = requireKey("HARNESS_PII_KEY");
    const nextKey = keyFromEnvironment("HARNESS_PII_NEW_KEY");
    checkKeys({ finish, wrappingOnly }, key, nextKey);
    const tally = new Tally();
    const steps: string[] = [];
    const early = {
      done: () => (tally.begun ? [...steps, tally.text()] : steps).join("; ") || "nothing was changed",
      goOn: "The old keys open everything until the end: run the same command again, it goes on from there.",
    };
    return withClientEndingEarly(options, "writes", "pii rotate", early, async ({ client, target }) => {
      const so = { effort: atTheRate(options), tally, steps };
      const rotation = await runRotation(client, target.url, { key, nextKey }, { finish, wrappingOnly }, so);
      const passedBy = describeUnusable(options.json ? [] : await unusableTables(client));
      return {
        json: { branch: target.branch, ...rotation },
        text: [...describeRotation(rotation), ...passedBy].map((line) => `${line}\n`).join(""),
        exitCode: rotation.sealed.every(({ left }) => left === 0) ? exitCodes.clean : exitCodes.findings,
      };
    });
  },
});

import { command } from "../../command-line/command.ts";
import { withClientEndingEarly } from "../../command-line/ending-early.ts";
import { flag, option } from "../../command-line/option.ts";
import { oneTable } from "../../command-line/pii-options.ts";
import { json, writing } from "../../command-line/shared-options.ts";
import { choice } from "../../command-line/values.ts";
import { phases } from "../../pii/phases.ts";
import { paint } from "../../terminal/color.ts";
import { progress } from "../../terminal/progress.ts";

/** Exit code 1 if the phase's condition does not hold. */
export default command({
  summary: "move a table to the next phase of its roll-out, if the phase's condition holds",
  options: {
    ...oneTable,
    to: option(
      choice("phase", phases),
      "the phase to move to, which has to be the next one or the one before",
    ),
    back: flag("to the phase before"),
    ...json,
    ...writing,
  },
  async run({ table: named, to, back, ...options }) {
    const { moveTo, phaseBeside, theTable } = await import("../../pii/advance.ts");
    const { keyFor } = await import("../../pii/key.ts");
    const { nextStep } = await import("../../pii/next-step.ts");
    const { assertKey } = await import("../../pii/session.ts");
    const { columnStatus } = await import("../../pii/status.ts");
    const { protectedTables } = await import("../../pii/tables.ts");
    const early = {
      done: () => "a phase is entered in one transaction, all of it or nothing",
      goOn: "See harness pii status, then run it again if the phase is the same.",
    };
    return withClientEndingEarly(options, "writes", "pii advance", early, async ({ client, target }) => {
      const before = theTable(await protectedTables(client, named));
      const { table, phase: from } = before;
      const phase = to ?? phaseBeside(before, back);
      const key = keyFor(from, phase);
      if (key) await assertKey(client, key);
      await moveTo(client, before, phase, { key }).finally(progress(`moving ${table} to ${phase}`));
      const [now] = await protectedTables(client, table);
      const next = now ? nextStep(now, await columnStatus(client, now)) : null;
      return {
        json: { branch: target.branch, table, from, to: phase, next },
        text: `${table}: ${from} → ${paint.bold(phase)}\n${next ? `next: ${next}` : "complete"}\n`,
      };
    });
  },
});

import { command } from "../../command-line/command.ts";
import { nothingChanged, withClientEndingEarly } from "../../command-line/ending-early.ts";
import { switchedOff } from "../../command-line/option.ts";
import { oneTable } from "../../command-line/pii-options.ts";
import { json, reading } from "../../command-line/shared-options.ts";
import { exitCodes } from "../../core/errors.ts";

/** Exit code 1 if a value does not open. */
export default command({
  summary: "phase, counts and keys; with HARNESS_PII_KEY every value is opened too; changes nothing",
  options: { ...oneTable, open: switchedOff("open no values, although there is a key"), ...json, ...reading },
  async run({ table, open, ...options }) {
    const { keyFromEnvironment } = await import("../../pii/key.ts");
    const { statusReport } = await import("../../pii/status-report.ts");
    const { describeStatus } = await import("../../pii/status-text.ts");
    const key = open ? keyFromEnvironment("HARNESS_PII_KEY") : undefined;
    return withClientEndingEarly(options, "reads", "pii status", nothingChanged, async (session) => {
      const report = await statusReport(session.client, table, key);
      const sound = report.tables.every(({ opened }) => !opened || opened.damaged + opened.differing === 0);
      return {
        json: { branch: session.target.branch, ...report },
        text: describeStatus(report),
        exitCode: sound ? exitCodes.clean : exitCodes.findings,
      };
    });
  },
});

import { command } from "../../command-line/command.ts";
import { withClientEndingEarly } from "../../command-line/ending-early.ts";
import { flag, option, withOptionalValue } from "../../command-line/option.ts";
import { id, withoutKey } from "../../command-line/pii-options.ts";
import { json, writing } from "../../command-line/shared-options.ts";
import { text } from "../../command-line/values.ts";

/** There is no way back. */
export default command({
  summary: "erase a customer, or every customer of a tenant and its keys; there is no way back",
  options: {
    customer: option(id, "the customer; with --tenant where several tenants have this id"),
    tenant: option(id, "alone: all of the tenant"),
    yes: withOptionalValue(text("id"), "mean it; on a protected branch with the id once more"),
    dryRun: flag("change nothing, say what would go"),
    ...withoutKey,
    ...json,
    ...writing,
  },
  async run({ customer, tenant, yes, dryRun, withoutKey: withoutValues, ...options }) {
    const { describeErased, requireYes, wholeTenant } = await import("../../pii/erasure.ts");
    const { keyFromEnvironment } = await import("../../pii/key.ts");
    const { assertKey } = await import("../../pii/session.ts");
    const { erase, findCustomer } = await import("../../pii/subject.ts");
    const { protectedTables } = await import("../../pii/tables.ts");
    const { withoutKeyHint } = await import("../../pii/without-key.ts");
    const { protectedAs } = await import("../../targets/protection.ts");
    const key = withoutValues ? undefined : keyFromEnvironment("HARNESS_PII_KEY");
    const early = {
      done: () => "an erasure is one transaction: either all of it lasts or nothing was erased",
      goOn: "Run the same command again: to erase twice does no harm.",
    };
    const mode = dryRun ? "reads" : "writes";
    return withClientEndingEarly(options, mode, "pii erase", early, async ({ client, target, config }) => {
      await protectedTables(client);
      if (key) await assertKey(client, key);
      const subject = customer ? await findCustomer(client, customer, tenant) : wholeTenant(tenant);
      if (!dryRun) requireYes(subject, yes, protectedAs(target, config));
      const cleared = await withoutKeyHint(() => erase(client, subject, { key }, { dryRun, withoutValues }));
      return {
        json: { branch: target.branch, ...subject, ...(dryRun ? { dryRun } : {}), cleared },
        text: describeErased(subject, cleared, dryRun),
      };
    });
  },
});

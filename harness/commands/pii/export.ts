import { command } from "../../command-line/command.ts";
import { nothingChanged, withClientEndingEarly } from "../../command-line/ending-early.ts";
import { required } from "../../command-line/option.ts";
import { id, ofTenant } from "../../command-line/pii-options.ts";
import { reading } from "../../command-line/shared-options.ts";
import { printableJson } from "../../core/printable.ts";

/** To stdout and nowhere else. */
export default command({
  summary: "print everything that is stored about a customer, in clear, as JSON",
  options: { customer: required(id, "the customer"), ...ofTenant, ...reading },
  async run({ customer, tenant, ...options }) {
    const { requireKey } = await import("../../pii/key.ts");
    const { assertKey } = await import("../../pii/session.ts");
    const { exportCustomer, findCustomer } = await import("../../pii/subject.ts");
    const { protectedTables } = await import("../../pii/tables.ts");
    const key = requireKey("HARNESS_PII_KEY");
    return withClientEndingEarly(options, "reads", "pii export", nothingChanged, async ({ client }) => {
      await protectedTables(client);
      await assertKey(client, key);
      const subject = await findCustomer(client, customer, tenant);
      return { text: `${printableJson(await exportCustomer(client, subject, { key }), 2)}\n` };
    });
  },
});

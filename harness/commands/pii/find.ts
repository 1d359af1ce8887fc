import { command } from "../../command-line/command.ts";
import { nothingChanged, withClientEndingEarly } from "../../command-line/ending-early.ts";
import { option, required } from "../../command-line/option.ts";
import { id, ofTenant, withoutKey } from "../../command-line/pii-options.ts";
import { json, reading } from "../../command-line/shared-options.ts";
import { path } from "../../command-line/values.ts";
import { exitCodes } from "../../core/errors.ts";

/** Exit code 1 if erasure would pass a place by. */
export default command({
  summary: "say where a customer's address, number or name stands; changes nothing, and shows no value",
  options: {
    customer: required(id, "the customer"),
    ...ofTenant,
    values: option(path(), "more to look for, a line each, such as the address of an erased one; - is stdin"),
    ...withoutKey,
    ...json,
    ...reading,
  },
  async run({ customer, tenant, values, withoutKey: withoutValues, ...options }) {
    const { keyFromEnvironment } = await import("../../pii/key.ts");
    const { describePlaces, isForgotten, valuesFrom } = await import("../../pii/places.ts");
    const { assertKey } = await import("../../pii/session.ts");
    const { findCustomer, findPlaces } = await import("../../pii/subject.ts");
    const { protectedTables } = await import("../../pii/tables.ts");
    const { withoutKeyHint } = await import("../../pii/without-key.ts");
    const also = values === undefined ? [] : valuesFrom(values);
    const key = withoutValues ? undefined : keyFromEnvironment("HARNESS_PII_KEY");
    return withClientEndingEarly(options, "reads", "pii find", nothingChanged, async (session) => {
      const { client, target } = session;
      await protectedTables(client);
      if (key) await assertKey(client, key);
      const subject = await findCustomer(client, customer, tenant);
      const places = await withoutKeyHint(() => findPlaces(client, subject, { key }, also, withoutValues));
      return {
        json: { branch: target.branch, ...subject, places },
        text: describePlaces(places),
        exitCode: places.some(isForgotten) ? exitCodes.findings : exitCodes.clean,
      };
    });
  },
});

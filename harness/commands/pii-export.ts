import type { DatabaseOptions } from "../command-line/database-options.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { printableJson } from "../core/printable.ts";
import { requireKey } from "../pii/key.ts";
import { assertKey } from "../pii/session.ts";
import { assertId, exportCustomer, findCustomer } from "../pii/subject.ts";
import { protectedTables } from "../pii/tables.ts";
import { say } from "./pii-options.ts";
import { withPii } from "./pii-session.ts";

interface ExportOptions extends DatabaseOptions {
  customer: string;
  tenant?: string;
}

/** Prints everything that is stored about a guest, in clear: to stdout and nowhere else. */
export async function piiExport(options: ExportOptions): Promise<ExitCode> {
  assertId("--customer", options.customer);
  assertId("--tenant", options.tenant);
  const key = requireKey("HARNESS_PII_KEY");
  const early = { done: () => "nothing was changed", goOn: "Run it again." };
  return withPii(options, "reads", "pii export", early, async ({ client }) => {
    await protectedTables(client);
    await assertKey(client, key);
    const subject = await findCustomer(client, options.customer, options.tenant);
    say(printableJson(await exportCustomer(client, subject, { key }), 2));
    return exitCodes.clean;
  });
}

import type { DatabaseOptions } from "../command-line/database-options.ts";
import type { Session } from "../command-line/session.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { keyFromEnvironment } from "../pii/key.ts";
import { assertKey } from "../pii/session.ts";
import { assertId, type Cleared, erase, findCustomer, type Subject } from "../pii/subject.ts";
import { protectedTables } from "../pii/tables.ts";
import { protectedAs } from "../targets/protection.ts";
import { count } from "../terminal/numbers.ts";
import { printJson, say, withoutKeyHint } from "./pii-options.ts";
import { withPii } from "./pii-session.ts";

interface EraseOptions extends DatabaseOptions {
  dryRun?: boolean;
  withoutKey?: boolean;
  customer?: string;
  tenant?: string;
  /** The id once more, which a protected branch wants; true where it was given alone. */
  yes?: string | boolean;
}

/** Erases a guest, or all guests of a tenant together with its keys. There is no way back. */
export async function piiErase(options: EraseOptions): Promise<ExitCode> {
  const { customer, tenant, json } = options;
  assertId("--customer", customer);
  assertId("--tenant", tenant);
  const dryRun = options.dryRun ?? false;
  const withoutValues = options.withoutKey ?? false;
  const key = withoutValues ? undefined : keyFromEnvironment("HARNESS_PII_KEY");
  const early = {
    done: () => "an erasure is one transaction: either all of it lasts or nothing was erased",
    goOn: "Run the same command again: to erase twice does no harm.",
  };
  return withPii(options, dryRun ? "reads" : "writes", "pii erase", early, async (session) => {
    const { client, target } = session;
    await protectedTables(client);
    if (key) await assertKey(client, key);
    const subject = customer ? await findCustomer(client, customer, tenant) : wholeTenant(tenant);
    if (!dryRun) requireYes(session, subject, options.yes);
    const cleared = await withoutKeyHint(() => erase(client, subject, { key }, { dryRun, withoutValues }));
    if (json) printJson({ branch: target.branch, ...subject, ...(dryRun ? { dryRun } : {}), cleared });
    else say(describe(subject, cleared, dryRun));
    return exitCodes.clean;
  });
}

function wholeTenant(tenant: string | undefined): Subject {
  if (tenant) return { tenant, customer: null };
  throw new HarnessError({
    code: "erase-whom",
    message: "neither --customer nor --tenant says whom to erase",
    hint: "--customer ID for one guest, --tenant ID for all guests of a tenant.",
  });
}

function requireYes({ target, config }: Session, subject: Subject, yes: string | boolean | undefined): void {
  const id = subject.customer ?? subject.tenant;
  const whom = subject.customer ? `customer ${id} of ${subject.tenant}` : `every customer of tenant ${id}`;
  const name = protectedAs(target, config);
  const given = typeof yes === "string" ? yes.toLowerCase() === id.toLowerCase() : yes === true && !name;
  if (given) return;
  throw new HarnessError({
    code: "not-confirmed",
    message: `this erases ${whom} for good`,
    hint: name ? `${name} is protected: add --yes ${id}.` : "If you mean it, add --yes.",
  });
}

function describe({ tenant, customer }: Subject, cleared: Cleared, dryRun: boolean): string {
  const { buried = 0, ...rest } = cleared;
  const counts = Object.entries(rest).map(([what, number]) => `${count(number)} ${what}`);
  if (buried > 0) counts.push(`${count(buried)} waiting events that are not sent`);
  const whom = customer ? `customer ${customer} of ${tenant}` : `the guests of ${tenant}`;
  return dryRun
    ? `Would erase ${whom}: ${counts.join(", ")}\nNothing was changed`
    : `Erased ${whom}: ${counts.join(", ")}\nWritten to pii.erasures, without what it was`;
}

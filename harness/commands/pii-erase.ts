import { protectedAs } from "../branches/protection.ts";
import { count } from "../core/count.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { assertId, type Cleared, erase, findCustomer, type Subject } from "../pii/subject.ts";
import { protectedTables } from "../pii/tables.ts";
import type { DatabaseOptions } from "./options.ts";
import { printJson, say } from "./pii-options.ts";
import { type Session, withClient } from "./with-target.ts";

interface EraseOptions extends DatabaseOptions {
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
  return withClient(options, "writes", "pii erase", async (session) => {
    const { client, target } = session;
    await protectedTables(client);
    const subject = customer ? await findCustomer(client, customer, tenant) : wholeTenant(tenant);
    requireYes(session, subject, options.yes);
    const cleared = await erase(client, subject);
    if (json) printJson({ branch: target.branch, ...subject, cleared });
    else say(describe(subject, cleared));
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

function describe({ tenant, customer }: Subject, cleared: Cleared): string {
  const counts = Object.entries(cleared).map(([what, number]) => `${count(number)} ${what}`);
  const whom = customer ? `customer ${customer} of ${tenant}` : `the guests of ${tenant}`;
  return `Erased ${whom}: ${counts.join(", ")}\nWritten to pii.erasures, without what it was`;
}

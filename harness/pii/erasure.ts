import { HarnessError } from "../core/errors.ts";
import { count } from "../terminal/numbers.ts";
import type { Cleared, Subject } from "./subject.ts";

/** @throws HarnessError `erase-whom` */
export function wholeTenant(tenant: string | undefined): Subject {
  if (tenant) return { tenant, customer: null };
  throw new HarnessError({
    code: "erase-whom",
    message: "neither --customer nor --tenant says whom to erase",
    hint: "--customer ID for one guest, --tenant ID for all guests of a tenant.",
  });
}

/**
 * @param yes the id once more, or true where it was given without
 * @param protectedName of the branch, which wants the id; null: it is not protected
 * @throws HarnessError `not-confirmed`
 */
export function requireYes(
  subject: Subject,
  yes: string | true | undefined,
  protectedName: string | null,
): void {
  const id = subject.customer ?? subject.tenant;
  const whom = subject.customer ? `customer ${id} of ${subject.tenant}` : `every customer of tenant ${id}`;
  const given =
    typeof yes === "string" ? yes.toLowerCase() === id.toLowerCase() : yes === true && !protectedName;
  if (given) return;
  throw new HarnessError({
    code: "not-confirmed",
    message: `this erases ${whom} for good`,
    hint: protectedName ? `${protectedName} is protected: add --yes ${id}.` : "If you mean it, add --yes.",
  });
}

/** For people: what was cleared, or would be. */
export function describeErased({ tenant, customer }: Subject, cleared: Cleared, dryRun: boolean): string {
  const { buried = 0, ...rest } = cleared;
  const counts = Object.entries(rest).map(([what, number]) => `${count(number)} ${what}`);
  if (buried > 0) counts.push(`${count(buried)} waiting events that are not sent`);
  const whom = customer ? `customer ${customer} of ${tenant}` : `the guests of ${tenant}`;
  return dryRun
    ? `Would erase ${whom}: ${counts.join(", ")}\nNothing was changed\n`
    : `Erased ${whom}: ${counts.join(", ")}\nWritten to pii.erasures, without what it was\n`;
}

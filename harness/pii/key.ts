import { isPiiKey } from "../client/pii-key.ts";
import { HarnessError } from "../core/errors.ts";
import { keepSecret } from "../core/redaction.ts";
import type { Phase } from "./phases.ts";

/** Keys come from the environment only: an argument would stand in the process list and in the shell's history. */
export type KeyVariable = "HARNESS_PII_KEY" | "HARNESS_PII_NEW_KEY";

/** @throws HarnessError `malformed-pii-key`, without the value */
export function keyFromEnvironment(name: KeyVariable): string | undefined {
  const value = process.env[name];
  if (!value) return undefined;
  keepSecret(value);
  if (isPiiKey(value)) return value;
  throw new HarnessError({
    code: "malformed-pii-key",
    message: `${name} is not a key`,
    hint: 'A key is 64 to 256 hexadecimal digits, such as "openssl rand -hex 32" makes.',
  });
}

/** @throws HarnessError `missing-pii-key`, `malformed-pii-key` */
export function requireKey(name: KeyVariable): string {
  const key = keyFromEnvironment(name);
  if (key) return key;
  throw new HarnessError({
    code: "missing-pii-key",
    message: `this needs the key, and ${name} is not set`,
    hint: "Put the key into the environment of this one command, from where you keep secrets; it is taken from nowhere else.",
  });
}

/** The key for a move from one phase to another: to be `verified`, every value is opened. @throws HarnessError `missing-pii-key` */
export const keyFor = (from: Phase, to: Phase): string | undefined =>
  from === "backfilled" && to === "verified"
    ? requireKey("HARNESS_PII_KEY")
    : keyFromEnvironment("HARNESS_PII_KEY");

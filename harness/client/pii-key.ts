import type { ClientBase } from "pg";
import { HarnessError } from "../core/errors.ts";
import { keepSecret } from "../core/redaction.ts";
import type { Identity } from "./tenant-context.ts";

/** The setting that the functions of PII protection read the key from. */
export const piiKeySetting = "app.pii.key";

/** Otherwise a session that asked for it would repeat bind parameters in the errors that it gets and in the server's log. */
export const keepParametersOutOfErrors = "set local log_parameter_max_length_on_error = 0";

/** Sets keys until the transaction ends: bound parameters, which nothing that fails repeats, whatever the session's default is. */
export async function sendPiiKeys(client: ClientBase, key: string, nextKey = ""): Promise<void> {
  await client.query(keepParametersOutOfErrors);
  await client.query("select set_config($1, $2, true), set_config('app.pii.next_key', $3, true)", [
    piiKeySetting,
    key,
    nextKey,
  ]);
}

const form = /^(?:[0-9A-Fa-f]{2}){32,128}$/;

/** Whether it has the form of a key: 64 to 256 hexadecimal digits. Whether it is the right one, only the database knows. */
export const isPiiKey = (value: unknown): value is string => typeof value === "string" && form.test(value);

/**
 * The identity with the key among its settings, so that it is sent with them.
 *
 * @throws HarnessError `bad-tenant-option`, without the value
 */
export function withPiiKey(identity: Identity, key: string | undefined): Identity {
  if (key === undefined) return identity;
  const twice = Object.keys(identity.settings).some((name) => name.toLowerCase() === piiKeySetting);
  if (twice) throw bad(`the settings of the context give ${piiKeySetting} too`);
  if (typeof key === "string") keepSecret(key);
  if (!isPiiKey(key)) throw bad("it is not a key");
  return { ...identity, settings: { ...identity.settings, [piiKeySetting]: key }, secret: true };
}

function bad(why: string): HarnessError {
  return new HarnessError({
    code: "bad-tenant-option",
    message: `piiKey cannot be used: ${why}`,
    hint: 'A key is 64 to 256 hexadecimal digits, such as "openssl rand -hex 32" makes.',
  });
}

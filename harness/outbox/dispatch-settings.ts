import { HarnessError } from "../core/errors.ts";

/** As they come from the command line: text. */
export interface DispatchNumbers {
  concurrency?: string | undefined;
  perTenantRunning?: string | undefined;
  handlerTimeout?: string | undefined;
  batch?: string | undefined;
  perTenant?: string | undefined;
  lease?: string | undefined;
  poll?: string | undefined;
  sweep?: string | undefined;
  grace?: string | undefined;
}

/**
 * The figures of a dispatcher, times in ms.
 * @throws HarnessError `bad-number`
 */
export function dispatchNumbers(text: DispatchNumbers) {
  const number = (name: keyof DispatchNumbers, fallback: number, least: number, most: number, unit = "") => {
    const given = text[name];
    const value = given === undefined ? fallback : Number(given);
    if (Number.isFinite(value) && value >= least && value <= most && (unit || Number.isInteger(value)))
      return value;
    const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new HarnessError({
      code: "bad-number",
      message: `--${option} ${given} is not a ${unit ? `number of ${unit}` : "whole number"} from ${least} to ${most}`,
      hint: `Leave it out for ${fallback}.`,
    });
  };
  const concurrency = number("concurrency", 10, 1, 1000);
  return {
    concurrency,
    perTenantRunning: number("perTenantRunning", Math.ceil(concurrency / 2), 1, 1000),
    handlerTimeoutMs: 1000 * number("handlerTimeout", 30, 0.01, 86_400, "seconds"),
    batch: number("batch", 2000, 1, 10_000),
    perTenant: text.perTenant === undefined ? undefined : number("perTenant", 1, 1, 10_000),
    leaseMs: 1000 * number("lease", 60, 1, 86_400, "seconds"),
    pollMs: 1000 * number("poll", 1, 0.01, 3600, "seconds"),
    sweepMs: 1000 * number("sweep", 10, 0.1, 3600, "seconds"),
    graceMs: 1000 * number("grace", 20, 0, 3600, "seconds"),
  };
}

import { HarnessError } from "../core/errors.ts";

// Options come as text: what they have to be, and what is said if they are not.

export const badOption = (message: string, hint: string) =>
  new HarnessError({ code: "bad-option", message, hint });

/** @throws HarnessError `bad-option` */
export function wholeNumber<D>(
  option: string,
  text: string | undefined,
  otherwise: D,
  most: number,
): number | D {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
  throw badOption(
    `${option} ${JSON.stringify(text)} is not a number from 1 to ${most}`,
    "Leave it out for the default.",
  );
}

/** @throws HarnessError `bad-option` */
export function seconds(option: string, text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (value > 0 && value <= 86_400) return Math.round(value * 1000);
  throw badOption(
    `${option} ${text} is not a number of seconds up to 86400`,
    `Leave it out for ${otherwise}.`,
  );
}

/** @throws HarnessError `bad-option` */
export function oneOf<T extends string>(
  option: string,
  text: string | undefined,
  choices: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found) return found;
  throw badOption(`${option} ${JSON.stringify(text)} is none of ${choices.join(", ")}`, "See --help.");
}

import { uuid as uuidPattern } from "../core/uuid.ts";

/** What an option or an argument can be: how its text is read, and what is said where it cannot be. */
export interface Value<T> {
  /** What help calls it: `<seconds>`. */
  placeholder: string;
  /** What the text has to be, as the rest of "--rate x is not …". */
  rule: string;
  /** Undefined where the text is not that. */
  parse(text: string): T | undefined;
  /** All that it can be, where these can be listed; shells complete them. */
  choices?: readonly string[];
  /** Shells complete names of files. */
  isPath?: boolean;
}

/** Whatever is given; what it has to be is for the server or the capability to say. */
export const text = (placeholder: string): Value<string> => ({
  placeholder,
  rule: "a text",
  parse: (given) => given,
});

export const table: Value<string> = text("table");
export const interval: Value<string> = text("interval");
export const path = (placeholder = "file"): Value<string> => ({ ...text(placeholder), isPath: true });

export interface Range {
  least?: number;
  most: number;
}

/** A whole number. */
export const count = (placeholder: string, { least = 1, most }: Range): Value<number> => ({
  placeholder,
  rule: `a whole number from ${least} to ${most}`,
  parse: (given) => (/^\d{1,15}$/.test(given) ? within(Number(given), { least, most }) : undefined),
});

/** A time in seconds, to be had in milliseconds. */
export const seconds = ({ least = 0.001, most }: Range = { most: 86_400 }): Value<number> => ({
  placeholder: "seconds",
  rule: `a number of seconds from ${least} to ${most}`,
  parse(given) {
    const value = /^(\d+\.?\d*|\.\d+)$/.test(given) ? within(Number(given), { least, most }) : undefined;
    return value === undefined ? undefined : Math.round(value * 1000);
  },
});

export const uuid = (placeholder = "uuid"): Value<string> => ({
  placeholder,
  rule: "a uuid",
  parse: (given) => (uuidPattern.test(given) ? given : undefined),
});

/** A number that a database gave, which may be longer than numbers of JavaScript: it stays a text. */
export const serial = (placeholder: string): Value<string> => ({
  placeholder,
  rule: "a whole number",
  parse: (given) => (/^\d{1,18}$/.test(given) ? given : undefined),
});

export const choice = <const T extends string>(placeholder: string, choices: readonly T[]): Value<T> => ({
  placeholder,
  rule: `one of ${choices.join(", ")}`,
  parse: (given) => choices.find((one) => one === given),
  choices,
});

function within(value: number, { least = 1, most }: Range): number | undefined {
  return value >= least && value <= most ? value : undefined;
}

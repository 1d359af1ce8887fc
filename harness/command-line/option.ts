import { HarnessError } from "../core/errors.ts";
import type { Value } from "./values.ts";

/** One option of a command. Its name is that of the property it stands under: `lockTimeout` is `--lock-timeout`. */
export interface Option<T> {
  summary: string;
  /** None: the option stands for itself. */
  value: Value<unknown> | null;
  /** What counts where it is not given, as one would write it. */
  otherwise?: string | undefined;
  /** One letter, for `-m`. */
  short?: string;
  isRequired?: boolean;
  isRepeatable?: boolean;
  /** `--fix` alone says something as well. */
  isValueOptional?: boolean;
  /** Switches something off: `concurrently` is `--no-concurrently`. */
  isNegated?: boolean;
  /** The heading of help under which it stands, where that is not the command's own. */
  heading?: string;
  /**
   * @param given as it came from the command line: a text, texts, true, or undefined
   * @param name as one writes it, for the error
   * @throws HarnessError `bad-option`
   */
  read(given: unknown, name: string): T;
}

export type Options = Record<string, Option<unknown>>;
export type ValuesOf<O> = {
  [Name in keyof O]: O[Name] extends { read(...given: never): infer T } ? T : never;
};

export function badOption(message: string, hint: string): HarnessError {
  return new HarnessError({ code: "bad-option", message, hint });
}

export const flag = (summary: string): Option<boolean> => ({
  summary,
  value: null,
  read: (given) => given === true,
});

export const switchedOff = (summary: string): Option<boolean> => ({
  summary,
  value: null,
  isNegated: true,
  read: (given) => given !== false,
});

export function option<T>(value: Value<T>, summary: string): Option<T | undefined>;
export function option<T>(value: Value<T>, summary: string, otherwise: string): Option<T>;
export function option<T>(value: Value<T>, summary: string, otherwise?: string): Option<T | undefined> {
  return {
    summary,
    value,
    otherwise,
    read(given, name) {
      const text = (given as string | undefined) ?? otherwise;
      return text === undefined ? undefined : parse(value, text, name, otherwise);
    },
  };
}

export const required = <T>(value: Value<T>, summary: string): Option<T> => ({
  summary,
  value,
  isRequired: true,
  read: (given, name) => parse(value, given as string, name),
});

export const repeatable = <T>(value: Value<T>, summary: string): Option<T[]> => ({
  summary,
  value,
  isRepeatable: true,
  read: (given, name) => ((given as string[] | undefined) ?? []).map((text) => parse(value, text, name)),
});

/** True where it was given alone. */
export const withOptionalValue = <T>(value: Value<T>, summary: string): Option<T | true | undefined> => ({
  summary,
  value,
  isValueOptional: true,
  read: (given, name) => (typeof given === "string" ? parse(value, given, name) : given ? true : undefined),
});

export function parse<T>(value: Value<T>, text: string, name: string, otherwise?: string): T {
  const parsed = value.parse(text);
  if (parsed !== undefined) return parsed;
  throw badOption(
    `${name} ${JSON.stringify(text)} is not ${value.rule}`,
    otherwise === undefined ? "See --help." : `Leave it out for ${otherwise}.`,
  );
}

/** `lockTimeout` as one writes it: `--lock-timeout`. */
export function flagOf(name: string, { isNegated }: Pick<Option<unknown>, "isNegated"> = {}): string {
  const words = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `--${isNegated ? "no-" : ""}${words}`;
}

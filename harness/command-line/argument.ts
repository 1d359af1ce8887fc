import { parse } from "./option.ts";
import type { Value } from "./values.ts";

/** What stands behind a command's name. Its own name is that of the property it stands under. */
export interface Argument<T> {
  summary: string;
  value: Value<unknown>;
  kind: "needed" | "optional" | "many";
  /** @throws HarnessError `bad-option` */
  read(given: unknown, name: string): T;
}

/** In the order in which they are written. */
export type Arguments = Record<string, Argument<unknown>>;

export const needed = <T>(value: Value<T>, summary: string): Argument<T> => ({
  summary,
  value,
  kind: "needed",
  read: (given, name) => parse(value, given as string, name),
});

export const optional = <T>(value: Value<T>, summary: string): Argument<T | undefined> => ({
  summary,
  value,
  kind: "optional",
  read: (given, name) => (given === undefined ? undefined : parse(value, given as string, name)),
});

export const many = <T>(value: Value<T>, summary: string): Argument<T[]> => ({
  summary,
  value,
  kind: "many",
  read: (given, name) => (given as string[]).map((text) => parse(value, text, name)),
});

export const writtenAs = (name: string, { kind }: Argument<unknown>): string =>
  ({ needed: `<${name}>`, optional: `[${name}]`, many: `[${name}...]` })[kind];

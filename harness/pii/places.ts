import { readFileSync } from "node:fs";
import { HarnessError } from "../core/errors.ts";
import { paint } from "../terminal/color.ts";
import { count } from "../terminal/numbers.ts";
import { table } from "../terminal/table.ts";
import type { Place } from "./subject.ts";

/**
 * The lines of a file. Values are personal: they come from a file or a pipe, and stand in no process list and in no shell's history.
 * @param file - is stdin
 * @throws HarnessError `unreadable-file`
 */
export function valuesFrom(file: string): string[] {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8")
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== "");
  } catch (error) {
    throw new HarnessError({
      code: "unreadable-file",
      message: `--values ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`,
      hint: "Give a file with an address, a number or a name on each line, or - for stdin.",
    });
  }
}

/** Erasure clears what is registered and what is sealed, and nothing else. */
export const isForgotten = ({ holds }: Place): boolean => holds === null || holds === "nothing";

/** For people: where something was found, and what erasure does there. */
export function describePlaces(places: readonly Place[]): string {
  if (places.length === 0) return `${paint.green("nothing of the guest was found")}\n`;
  const rows = places.map((place) => [
    place.table,
    place.column,
    count(place.rows),
    isForgotten(place) ? "passes it by" : (place.holds ?? ""),
  ]);
  const [first] = places.filter(isForgotten);
  const advice = first
    ? `Register what erasure should clear: select pii.register_guest_column('${first.table}', '${first.column}', …) (docs/pii.md)\n`
    : "";
  return `${table(["table", "column", "rows", "erasure"], rows)}${advice}`;
}

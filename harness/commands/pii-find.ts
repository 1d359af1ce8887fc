import { readFileSync } from "node:fs";
import type { DatabaseOptions } from "../command-line/database-options.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { keyFromEnvironment } from "../pii/key.ts";
import { assertKey } from "../pii/session.ts";
import { assertId, findCustomer, findPlaces, type Place } from "../pii/subject.ts";
import { protectedTables } from "../pii/tables.ts";
import { paint } from "../terminal/color.ts";
import { count } from "../terminal/numbers.ts";
import { print } from "../terminal/output.ts";
import { table as textTable } from "../terminal/table.ts";
import { printJson, say, withoutKeyHint } from "./pii-options.ts";
import { withPii } from "./pii-session.ts";

interface FindOptions extends DatabaseOptions {
  customer: string;
  tenant?: string;
  /** File with more to look for, a line each; - is stdin. */
  values?: string;
  withoutKey?: boolean;
}

/** Says where a guest's address, number or whole name stands, and never what stands there. Exit code 1 if erasure would pass a place by. */
export async function piiFind(options: FindOptions): Promise<ExitCode> {
  assertId("--customer", options.customer);
  assertId("--tenant", options.tenant);
  const also = options.values === undefined ? [] : linesOf(options.values);
  const withoutValues = options.withoutKey ?? false;
  const key = withoutValues ? undefined : keyFromEnvironment("HARNESS_PII_KEY");
  const early = { done: () => "nothing was changed", goOn: "Run it again." };
  return withPii(options, "reads", "pii find", early, async ({ client, target }) => {
    await protectedTables(client);
    if (key) await assertKey(client, key);
    const subject = await findCustomer(client, options.customer, options.tenant);
    const places = await withoutKeyHint(() => findPlaces(client, subject, { key }, also, withoutValues));
    if (options.json) printJson({ branch: target.branch, ...subject, places });
    else describe(places);
    return places.some(isForgotten) ? exitCodes.findings : exitCodes.clean;
  });
}

/** Values are personal: they come from a file or a pipe, and stand in no process list and in no shell's history. */
function linesOf(file: string): string[] {
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
const isForgotten = ({ holds }: Place) => holds === null || holds === "nothing";

function describe(places: readonly Place[]): void {
  if (places.length === 0) {
    say(paint.green("nothing of the guest was found"));
    return;
  }
  print(
    textTable(
      ["table", "column", "rows", "erasure"],
      places.map((place) => [
        place.table,
        place.column,
        count(place.rows),
        isForgotten(place) ? "passes it by" : (place.holds ?? ""),
      ]),
    ),
  );
  const [first] = places.filter(isForgotten);
  if (first)
    say(
      `Register what erasure should clear: select pii.register_guest_column('${first.table}', '${first.column}', …) (docs/pii.md)`,
    );
}

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { globSync } from "tinyglobby";
import { includeLine } from "../sql/sql-file.ts";

/**
 * The pgTAP files that mention what changed in a database, or what in it calls that: a function, the view that calls it, the table
 * whose policy does; and those that ask the catalogue about all there is. Rather one too many: a name counts wherever it stands.
 * @param changed objects as a snapshot names them
 * @param also files that are run in any case, if they are tests
 */
export function testsThatTouch(
  root: string,
  changed: string[],
  snapshot: ReadonlyMap<string, string>,
  also: string[],
): string[] {
  const names = reached(changed, snapshot);
  return globSync("tests/pgtap/**/*.sql", { cwd: root, absolute: true, ignore: "**/support/**" })
    .sort()
    .filter((file) => {
      const { text, files } = withSupport(file);
      return (
        files.some((one) => also.includes(one)) ||
        (changed.length > 0 && asksCatalogue.test(text)) ||
        names.some((name) => mentions(text, name))
      );
    });
}

const asksCatalogue = /\bpg_(class|policy|policies|proc|attribute|constraint|trigger)\b/;
/** What runs when its table is used, or by itself. A foreign key does not run what refers to its table. */
const runs = /^(function|procedure|aggregate|view|materialized view|policy|trigger|rule|column) /;

interface Name {
  schema: string;
  name: string;
}

/** The names of these objects, and of all that runs them. */
function reached(changed: string[], snapshot: ReadonlyMap<string, string>): Name[] {
  const found = new Map<string, Name>();
  let fresh = changed.flatMap(nameOf);
  while (fresh.length > 0) {
    for (const name of fresh) found.set(`${name.schema}.${name.name}`, name);
    const next: Name[] = [];
    for (const [object, text] of snapshot) {
      if (!runs.test(object)) continue;
      const [own] = nameOf(object);
      if (own && !found.has(`${own.schema}.${own.name}`) && fresh.some((name) => mentions(text, name)))
        next.push(own);
    }
    fresh = next;
  }
  return [...found.values()];
}

/** `policy tenant_floor on public.bookings` is about public.bookings, `column public.bookings.id` too. */
function nameOf(object: string): Name[] {
  const schema = /^schema (\S+)$/.exec(object)?.[1];
  if (schema) return [{ schema, name: "" }];
  const match = /^(?:[a-z ]+ )?(?:\S+ on |of )?([\w"]+)\.([\w"]+)/.exec(object);
  return match ? [{ schema: match[1] as string, name: match[2] as string }] : [];
}

const patterns = new Map<string, RegExp>();

/** Tests run with public in their search_path; all else is written with its schema. */
function mentions(text: string, { schema, name }: Name): boolean {
  const key = `${schema}.${name}`;
  let pattern = patterns.get(key);
  if (!pattern) {
    const qualified = name === "" ? `${schema}\\.` : `${schema === "public" ? "" : `${schema}\\.`}${name}\\b`;
    pattern = new RegExp(`\\b${qualified}`);
    patterns.set(key, pattern);
  }
  return pattern.test(text);
}

/** A test and what it brings in by `\ir`. */
function withSupport(file: string): { text: string; files: string[] } {
  const text = readFileSync(file, "utf8");
  const brought = text.split("\n").flatMap((line) => {
    const included = includeLine.exec(line)?.[1];
    return included ? [withSupport(join(dirname(file), included))] : [];
  });
  return {
    text: [text, ...brought.map((one) => one.text)].join("\n"),
    files: [file, ...brought.flatMap((one) => one.files)],
  };
}

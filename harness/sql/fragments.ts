import { HarnessError } from "../core/errors.ts";
import { blankQuoted, lineAt } from "./parse/blank.ts";
import { ctesAt } from "./parse/ctes.ts";
import { names, readSqlFile, readSqlFolder, type SqlFile } from "./sql-file.ts";

export const fragmentFolder = "harness/sql/fragments";

/** One file of fragments/: one CTE, called as its file is. */
export interface Fragment {
  name: string;
  file: SqlFile;
  /** The fragments that it reads, by name. */
  uses: string[];
  /** The CTEs that it reads and that the query has to bring along: what differs from query to query. */
  given: string[];
  /** Without its header. */
  text: string;
}

const headerLines = /^(?:-- [a-z-]+: .*\n(?:-- {3}.*\n)*)+/;

/** What it reads, as names behind FROM, JOIN and TABLE. */
const reading =
  /\b(?<!\bdistinct\s+)(?:from|join|table)\b[\s(]*(?:lateral\s+|only\s+)?([a-z_]\w*)\b(?!\s*[.(])/gi;

/**
 * A fragment by its name.
 * @param asked where it is asked for, as `file, line n`
 * @throws HarnessError `sql-fragment`
 */
export function readFragment(name: string, asked: string, folder: string): Fragment {
  const known = read.get(`${folder}/${name}`) ?? parseFragment(name, asked, folder);
  read.set(`${folder}/${name}`, known);
  return known;
}

/** Sixty checks need them, and most need the same. */
const read = new Map<string, Fragment>();
const listed = new Map<string, Set<string>>();

function fragmentsIn(folder: string): Set<string> {
  const known = listed.get(folder) ?? new Set(readSqlFolder(folder).map(({ name }) => name));
  listed.set(folder, known);
  return known;
}

function parseFragment(name: string, asked: string, folder: string): Fragment {
  const path = `${folder}/${name}.sql`;
  if (!fragmentsIn(folder).has(name)) {
    throw refused(`${asked}: there is no fragment ${name}`, `The fragments are the files of ${folder}/.`);
  }
  const file = readSqlFile(path);
  const blank = blankQuoted(file.text);
  const [cte, another] = ctesAt(blank, 0);
  const start = blank.search(/\S|$/);
  const hint = `A fragment is one CTE, and nothing else: ${name} as materialized (…).`;
  const at = (place: number) => `${path}, line ${lineAt(file.text, place)}`;
  if (!cte) throw refused(`${at(start)}: this is not a CTE`, hint);
  if (cte.name !== name) throw refused(`${at(cte.start)}: the CTE is called ${cte.name}`, hint);
  if (another) throw refused(`${at(another.start)}: ${another.name} is a second CTE`, hint);
  const rest = blank.slice(cte.end).search(/\S/);
  if (rest >= 0) throw refused(`${at(cte.end + rest)}: something follows the CTE`, hint);
  const fragment: Fragment = {
    name,
    file,
    uses: names(file, "uses"),
    given: names(file, "given"),
    text: file.text.replace(headerLines, ""),
  };
  requireTrueHeader(file, blank, [...fragment.uses, ...fragment.given], [name], folder);
  return fragment;
}

/**
 * Refuses a header that names what is not read, or leaves out what is.
 * @param own CTEs of the file itself
 */
export function requireTrueHeader(
  file: SqlFile,
  blank: string,
  declared: readonly string[],
  own: readonly string[],
  folder: string,
): void {
  for (const name of declared) {
    if (mentions(blank, name)) continue;
    throw refused(
      `${whereNamed(file, name)}: ${name} is not read here`,
      "Take it out of the header, or read it.",
    );
  }
  const known = new Set([...declared, ...own]);
  for (const match of blank.matchAll(reading)) {
    const [, name = ""] = match;
    if (known.has(name) || !fragmentsIn(folder).has(name)) continue;
    const line = lineAt(file.text, match.index + match[0].length);
    throw refused(`${file.path}, line ${line}: reads ${name} without saying so`, `Add it to "-- uses:".`);
  }
}

/** The line of the header on which a name stands. */
export function whereNamed({ path, text }: SqlFile, name: string): string {
  const lines = text.split("\n");
  const line = lines.findIndex((each) => each.startsWith("-- ") && each.split(/[\s,:]+/).includes(name));
  return line < 0 ? path : `${path}, line ${line + 1}`;
}

const mentions = (text: string, name: string) => text.split(/\W+/).includes(name);

export function refused(message: string, hint: string): HarnessError {
  return new HarnessError({ code: "sql-fragment", message, hint });
}

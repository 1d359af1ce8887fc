import {
  type Fragment,
  fragmentFolder,
  readFragment,
  refused,
  requireTrueHeader,
  whereNamed,
} from "./fragments.ts";
import { lineAt } from "./parse/blank.ts";
import { leadingCtes } from "./parse/ctes.ts";
import { names, type SqlFile } from "./sql-file.ts";

export interface Composed {
  /** The whole query. */
  text: string;
  /** The fragments in it, in the order of their need. */
  fragments: string[];
}

/**
 * A query with the fragments that its header names (`-- uses: a, b`), and those that they need, in front of its own CTEs: each once, and no
 * other. A CTE under the name of a fragment stands in for it where the header says so (`-- replaces: a`). It is one WITH RECURSIVE, so that a
 * fragment can read what the query brings along.
 * @throws HarnessError `sql-fragment`: an unknown fragment, a circle, one that is not one CTE, a header that is not true
 */
export function compose(file: SqlFile, folder = fragmentFolder): Composed {
  const { blank, ctes, start } = leadingCtes(file.text);
  const own = ctes.map(({ name }) => name);
  const uses = names(file, "uses");
  const replaced = names(file, "replaces");
  requireTrueHeader(file, blank, [...uses, ...replaced], own, folder);
  const fragments = inOrderOfNeed(file, uses, new Set(replaced), folder);

  for (const { name, start: at } of ctes) {
    if (replaced.includes(name) || !fragments.some((fragment) => fragment.name === name)) continue;
    const line = lineAt(file.text, at);
    throw refused(
      `${file.path}, line ${line}: ${name} is a fragment too`,
      `Call it otherwise, or say "-- replaces: ${name}".`,
    );
  }
  for (const name of [...replaced, ...fragments.flatMap(({ given }) => given)]) {
    if (own.includes(name)) continue;
    const by = fragments.find(({ given }) => given.includes(name));
    const problem = by ? `${by.name} reads ${name}` : `${name} is to be replaced`;
    throw refused(
      `${whereNamed(file, by?.name ?? name)}: ${problem}, and this query has no such CTE`,
      `Add it: ${name} as materialized (…).`,
    );
  }
  if (fragments.length === 0) return { text: file.text, fragments: [] };
  // the comments above stay above
  const head = file.text.slice(0, blank.search(/\S/));
  const pieces = fragments.map(({ text }) => text.trimEnd()).join(",\n");
  const rest = file.text.slice(start);
  const text = `${head}with recursive\n${pieces}${ctes.length > 0 ? "," : ""}\n${rest}`;
  return { text, fragments: fragments.map(({ name }) => name) };
}

function inOrderOfNeed(
  file: SqlFile,
  uses: readonly string[],
  replaced: ReadonlySet<string>,
  folder: string,
): Fragment[] {
  const found = new Map<string, Fragment>();
  const visit = (name: string, asker: SqlFile, path: readonly string[]) => {
    if (found.has(name) || replaced.has(name)) return;
    if (path.includes(name)) {
      const circle = [...path.slice(path.indexOf(name)), name].join(" → ");
      throw refused(
        `${whereNamed(asker, name)}: ${circle} is a circle`,
        "Take what both need into a fragment of its own.",
      );
    }
    const fragment = readFragment(name, whereNamed(asker, name), folder);
    for (const needed of fragment.uses) visit(needed, fragment.file, [...path, name]);
    found.set(name, fragment);
  };
  for (const name of uses) visit(name, file, []);
  return [...found.values()];
}

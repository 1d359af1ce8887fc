import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { globSync } from "tinyglobby";

/** Our files by their path below harness/, each with the files of ours that it imports, type-only and on demand included. */
export type Graph = ReadonlyMap<string, readonly string[]>;

const specifiers = /(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)"/g;
/** A folder whose files are found by name is imported too. */
const folders = /new URL\("(\.[^"]*\/)", import\.meta\.url\)/g;

/** What a file's text imports, as it stands there: paths and packages. */
export const importsIn = (text: string): string[] =>
  [...text.matchAll(specifiers)].map(([, specifier]) => specifier as string);

export function graphOf(texts: ReadonlyMap<string, string>): Graph {
  const names = [...texts.keys()];
  return new Map(
    [...texts].map(([file, text]) => {
      const at = (path: string) => normalize(join(dirname(file), path));
      const named = importsIn(text)
        .filter((specifier) => specifier.startsWith("."))
        .map(at);
      const found = [...text.matchAll(folders)].flatMap(([, folder]) =>
        names.filter((name) => `${dirname(name)}/` === at(folder as string)),
      );
      return [file, [...named, ...found]];
    }),
  );
}

/** The texts of harness/, by path below it. */
export function sources(root: string): Map<string, string> {
  const files = globSync("**/*.ts", { cwd: join(root, "harness") }).sort();
  return new Map(files.map((file) => [file, readFileSync(join(root, "harness", file), "utf8")]));
}

/** Each circle once, as the way round it. */
export function circlesIn(graph: Graph): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const met = way.indexOf(file);
    if (met >= 0) circles.push([...way.slice(met), file].join(" → "));
    if (met >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return circles;
}

/** The shortest way from a file to each that it reaches, itself included. */
export function reachedFrom(start: string, graph: Graph): Map<string, string> {
  const ways = new Map([[start, start]]);
  for (const [file, way] of ways) {
    for (const next of graph.get(file) ?? []) if (!ways.has(next)) ways.set(next, `${way} → ${next}`);
  }
  return ways;
}

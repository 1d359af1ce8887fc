import type { Snapshot } from "./snapshot.ts";

/**
 * What has to be taken away from one database (`-`) and added to it (`+`) to get the other, an object at a time.
 * @returns "" if there is no difference
 */
export function snapshotDifference(from: Snapshot, to: Snapshot): string {
  return changedObjects(from, to)
    .map((object) => difference(object, from.get(object), to.get(object)))
    .join("");
}

/** The objects that only one of them has, or that are something else in the other. */
export function changedObjects(from: Snapshot, to: Snapshot): string[] {
  const objects = [...new Set([...from.keys(), ...to.keys()])].sort();
  return objects.filter((object) => from.get(object) !== to.get(object));
}

function difference(object: string, from: string | undefined, to: string | undefined): string {
  if (to === undefined) return `- ${object}\n`;
  const added = marked("+", to.split("\n"));
  if (from === undefined) return `+ ${object}\n${added}`;
  const gone = without(from.split("\n"), to.split("\n"));
  const come = without(to.split("\n"), from.split("\n"));
  // the same lines in another order
  if (gone.length + come.length === 0) return `  ${object}\n${marked("-", from.split("\n"))}${added}`;
  return `  ${object}\n${marked("-", gone)}${marked("+", come)}`;
}

const marked = (sign: string, lines: string[]) => lines.map((line) => `${sign}   ${line}\n`).join("");

/** The lines of one text that the other does not have, or not as often. */
function without(lines: string[], others: string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

import type { Command, Tree } from "../command.ts";
import { flagOf } from "../option.ts";
import type { Value } from "../values.ts";

/** What shells have to know of one point in the command line. */
export interface Point {
  /** The words so far behind `harness`: [], ["pii"], ["pii", "find"]. */
  path: string[];
  summary: string;
  /** Words that may follow. */
  verbs: { name: string; summary: string }[];
  options: { flags: string[]; summary: string; value: Value<unknown> | null }[];
  /** What may stand in place of an argument; null: nothing that can be listed. */
  argument: Value<unknown> | null;
}

/** Every point, the shortest path first. */
export function pointsOf(tree: Tree): Point[] {
  const children = (of: ReadonlyMap<string, { summary: string }>) =>
    [...of].map(([name, { summary }]) => ({ name, summary }));
  const root = { path: [], summary: "", verbs: children(tree), options: [], argument: null };
  const groups = [...tree].flatMap(([name, found]) =>
    "commands" in found
      ? [
          {
            ...{ path: [name], summary: found.summary, verbs: children(found.commands) },
            ...{ options: [], argument: null },
          },
        ]
      : [],
  );
  const leaves = [...tree].flatMap(([name, found]) =>
    "commands" in found
      ? [...found.commands].map(([verb, command]) => pointOf([name, verb], command))
      : [pointOf([name], found)],
  );
  return [root, ...[...groups, ...leaves].sort((a, b) => (a.path.join(" ") < b.path.join(" ") ? -1 : 1))];
}

function pointOf(path: string[], { summary, options, arguments: args }: Command): Point {
  return {
    path,
    summary,
    verbs: [],
    options: Object.entries(options).map(([name, option]) => ({
      flags: [...(option.short ? [`-${option.short}`] : []), flagOf(name, option)],
      summary: option.summary,
      value: option.isValueOptional ? null : option.value,
    })),
    argument: Object.values(args).find(({ value }) => value.isPath || value.choices)?.value ?? null,
  };
}

import type { Tree } from "../command.ts";
import type { Value } from "../values.ts";
import { type Point, pointsOf } from "./words.ts";

/** A script for a file `_harness` in a folder of $fpath, or for `source <(harness completion zsh)`. */
export default function zsh(tree: Tree): string {
  const points = pointsOf(tree);
  return `#compdef harness
# zsh completion of harness: source <(harness completion zsh)
${points.map(functionOf).join("\n")}
compdef _harness harness
`;
}

const nameOf = (path: readonly string[]) => ["_harness", ...path].join("_");

function functionOf(point: Point): string {
  return point.verbs.length > 0 ? choiceOf(point) : leafOf(point);
}

/** Offers verbs, and hands over to the function of the one that is there. */
function choiceOf({ path, verbs }: Point): string {
  const described = verbs.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = verbs.map(({ name }) => `    ${name}) ${nameOf([...path, name])} ;;`);
  return `${nameOf(path)}() {
  local -a verbs=(
${described.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe -t commands 'command' verbs
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${cases.join("\n")}
  esac
}`;
}

function leafOf({ path, options, argument }: Point): string {
  const lines = options.map(({ flags, summary, value }) => {
    const names = flags.length > 1 ? `{${flags.join(",")}}` : flags.join("");
    const wanted = value ? `:${plain(value.placeholder)}:${actionOf(value)}` : "";
    return `    ${names}${quoted(`[${escaped(summary)}]${wanted}`)}`;
  });
  const last = argument ? `*:${plain(argument.placeholder)}:${actionOf(argument)}` : "*: : ";
  return `${nameOf(path)}() {
  _arguments -s \\
${[...lines, `    ${quoted(last)}`].join(" \\\n")}
}`;
}

const actionOf = ({ choices, isPath }: Value<unknown>): string =>
  choices ? `(${choices.join(" ")})` : isPath ? "_files" : " ";

/** Colons and brackets mean something to _arguments. */
const escaped = (text: string): string => text.replace(/[[\]:\\]/g, (character) => `\\${character}`);
const plain = (text: string): string => text.replace(/[[\]:]/g, "");

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

import type { Tree } from "../command.ts";
import type { Value } from "../values.ts";
import { pointsOf } from "./words.ts";

/** A script for `source <(harness completion bash)`. */
export default function bash(tree: Tree): string {
  const points = pointsOf(tree);
  const paths = points.slice(1).map(({ path }) => `"${path.join(" ")}"`);
  const values = points.flatMap(({ path, options }) =>
    options.flatMap(({ flags, value }) =>
      value
        ? [`    ${flags.map((flag) => `"${[...path, flag].join(" ")}"`).join("|")}) ${reply(value)} ;;`]
        : [],
    ),
  );
  const words = points.map(({ path, verbs, options, argument }) => {
    const all = [
      ...verbs.map(({ name }) => name),
      ...(argument?.choices ?? []),
      ...options.flatMap(({ flags }) => flags),
      "--help",
    ];
    return `    "${path.join(" ")}") words="${all.join(" ")}" ;;`;
  });
  return `# bash completion of harness: source <(harness completion bash)
_harness() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${paths.join("|")}) path="\${path:+$path }$word" ;;
    esac
  done
  COMPREPLY=()
  case "\${path:+$path }$prev" in
${values.join("\n")}
  esac
  case "$path" in
${words.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _harness harness
`;
}

/** Without a reply bash offers the names of files. */
function reply({ choices, isPath }: Value<unknown>): string {
  if (choices) return `COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$cur")); return`;
  return isPath ? "return" : `compopt +o default; return`;
}

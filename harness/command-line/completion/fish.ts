import type { Tree } from "../command.ts";
import { type Point, pointsOf } from "./words.ts";

/** A script for `harness completion fish | source`. */
export default function fish(tree: Tree): string {
  const points = pointsOf(tree);
  const paths = points.slice(1).map(({ path }) => quoted(path.join(" ")));
  return `# fish completion of harness: harness completion fish | source
function __harness_at
  set -l path ""
  for word in (commandline -opc)[2..]
    set -l longer (string trim -- "$path $word")
    contains -- $longer ${paths.join(" ")}; and set path $longer
  end
  test "$path" = "$argv[1]"
end
complete -c harness -f
${points.flatMap(linesOf).join("\n")}
`;
}

function linesOf({ path, verbs, options, argument }: Point): string[] {
  const here = `complete -c harness -n ${quoted(`__harness_at ${quoted(path.join(" "))}`)}`;
  return [
    ...verbs.map(({ name, summary }) => `${here} -a ${name} -d ${quoted(summary)}`),
    ...options.map(({ flags, summary, value }) => {
      const names = flags.map((flag) =>
        flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      );
      const choices = value?.choices ? ` -a ${quoted(value.choices.join(" "))}` : "";
      const wanted = value ? (value.isPath ? " -r -F" : ` -x${choices}`) : "";
      return `${here} ${names.join(" ")}${wanted} -d ${quoted(summary)}`;
    }),
    ...(argument?.choices ? [`${here} -a ${quoted(argument.choices.join(" "))}`] : []),
    ...(argument?.isPath ? [`${here} -F`] : []),
  ];
}

const quoted = (text: string): string => `'${text.replace(/['\\]/g, (character) => `\\${character}`)}'`;

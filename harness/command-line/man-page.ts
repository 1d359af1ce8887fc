import { exitCodes } from "../core/errors.ts";
import { writtenAs } from "./argument.ts";
import type { Command, Tree } from "./command.ts";
import { flagOf, type Option } from "./option.ts";

const meanings: Record<keyof typeof exitCodes, string> = {
  clean: "clean",
  findings: "findings: a check failed at or above --fail-on, a test failed, something is missing or pending",
  usage: "usage, configuration or connection",
  incomplete: "coverage incomplete: something could not be decided, and so is not proved",
  threshold: "a benchmark's threshold was missed",
  bug: "a bug in harness",
  interrupted: "interrupted",
};

/** harness(1), in roff, of the same definitions that --help has. */
export function manPage(tree: Tree): string {
  const commands = [...tree].flatMap(([name, found]) =>
    "commands" in found
      ? [...found.commands].flatMap(([verb, command]) => section(`${name} ${verb}`, command))
      : section(name, found),
  );
  const codes = Object.entries(exitCodes).flatMap(([name, code]) => [
    ".TP",
    `.B ${code}`,
    roff(meanings[name as keyof typeof exitCodes]),
  ]);
  return `${[
    '.TH HARNESS 1 "" "harness" "User Commands"',
    ".SH NAME",
    "harness \\- tenant isolation for Postgres",
    ".SH SYNOPSIS",
    ".B harness",
    "[\\-\\-debug]",
    ".I command",
    "[options] [arguments]",
    ".SH DESCRIPTION",
    "Sets up, applies, verifies, tests and benchmarks row security on any branch of a Postgres database.",
    ".SH COMMANDS",
    ...commands,
    ".SH EXIT STATUS",
    ...codes,
  ].join("\n")}\n`;
}

function section(name: string, { summary, arguments: args, options }: Command): string[] {
  const synopsis = Object.entries(args).map(([word, argument]) => ` ${writtenAs(word, argument)}`);
  return [
    `.SS ${roff(`harness ${name}${synopsis.join("")}`)}`,
    roff(`${summary}.`),
    ...Object.entries(options).flatMap(([word, option]) => [
      ".TP",
      `.B ${roff(written(word, option))}`,
      roff(`${option.summary}${option.otherwise === undefined ? "" : ` (default: ${option.otherwise})`}`),
    ]),
  ];
}

function written(name: string, option: Option<unknown>): string {
  const { value, short, isValueOptional } = option;
  const placeholder = value ? (isValueOptional ? ` [${value.placeholder}]` : ` <${value.placeholder}>`) : "";
  return `${short ? `-${short}, ` : ""}${flagOf(name, option)}${placeholder}`;
}

/** A hyphen is one that can be typed; a line that began with a dot would be an order; what is not ASCII has an escape. */
const roff = (text: string): string =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/, "\\&$1")
    .replace(
      /[^\n -~]/gu,
      (character) => `\\[u${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}]`,
    );

import { Command as CommanderCommand, Option as CommanderOption } from "commander";
import { exitCodes } from "../core/errors.ts";
import { print } from "../terminal/output.ts";
import { writtenAs } from "./argument.ts";
import type { AllCommands, Command, Tree } from "./command.ts";
import { jsonOutput } from "./json-output.ts";
import { flagOf, type Option } from "./option.ts";
import { run } from "./run.ts";

/**
 * What commander has to know of the commands.
 * @param tree what the words on the command line can mean
 * @param all reads the rest
 * @param helpWidth columns; left out: as wide as the terminal
 */
export function programOf(
  tree: Tree,
  { all = async () => tree, helpWidth }: { all?: AllCommands; helpWidth?: number } = {},
): CommanderCommand {
  const program = new CommanderCommand("harness")
    .description(
      "Tenant isolation for Postgres: set up, apply, verify, test and benchmark row security on any branch.",
    )
    .version("0.1.0")
    .option("--debug", "show the stack trace of an error")
    .showHelpAfterError("(harness --help shows the commands)")
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? exitCodes.clean : exitCodes.usage))
    .configureOutput({ writeOut: print })
    .configureHelp({ showGlobalOptions: true, ...(helpWidth ? { helpWidth } : {}) });
  for (const [name, found] of tree) {
    const own = program.command(name).description(found.summary);
    if (!("commands" in found)) register(own, found, all);
    else
      for (const [verb, each] of found.commands)
        register(own.command(verb).description(each.summary), each, all);
  }
  return program;
}

function register(commander: CommanderCommand, command: Command, all: AllCommands): void {
  const { options, arguments: args } = command;
  for (const [name, argument] of Object.entries(args))
    commander.argument(writtenAs(name, argument), argument.summary);
  // its own first, and then those under a heading
  for (const headed of [false, true])
    for (const [name, option] of Object.entries(options))
      if ((option.heading !== undefined) === headed) commander.addOption(commanderOption(name, option));
  const last = Object.keys(args).length;
  commander.action(
    run(async (...given: unknown[]) =>
      perform(command, given[last] as Record<string, unknown>, given.slice(0, last), all),
    ),
  );
}

/**
 * Reads what is given, runs the command and prints its answer.
 * @returns the exit code
 */
export async function perform(
  command: Command,
  givenOptions: Record<string, unknown> = {},
  givenArguments: readonly unknown[] = [],
  all: AllCommands = async () => new Map(),
): Promise<number> {
  const options = Object.entries(command.options).map(([name, option]) => [
    name,
    option.read(givenOptions[name], flagOf(name, option)),
  ]);
  const args = Object.entries(command.arguments).map(([name, one], at) => [
    name,
    one.read(givenArguments[at], name),
  ]);
  const answer = await command.run(Object.fromEntries(options), Object.fromEntries(args), all);
  const { json, text = "", exitCode = exitCodes.clean, error } = answer;
  print(givenOptions.json && json ? jsonOutput(json) : text);
  if (error) throw error;
  return exitCode;
}

function commanderOption(name: string, option: Option<unknown>): CommanderOption {
  const { value, short, otherwise, summary } = option;
  const placeholder = value?.placeholder ?? "";
  const written = value ? ` ${option.isValueOptional ? `[${placeholder}]` : `<${placeholder}>`}` : "";
  const commander = new CommanderOption(
    `${short ? `-${short}, ` : ""}${flagOf(name, option)}${written}`,
    `${summary}${otherwise === undefined ? "" : ` (default: ${otherwise})`}`,
  );
  if (option.isRequired) commander.makeOptionMandatory();
  if (option.heading) commander.helpGroup(option.heading);
  if (option.isRepeatable)
    commander.argParser((text: string, previous: string[] | undefined) => [...(previous ?? []), text]);
  return commander;
}

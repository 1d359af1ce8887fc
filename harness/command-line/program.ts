import { Command as CommanderCommand, Option as CommanderOption } from "commander";
import { exitCodes } from "../core/errors.ts";
import { print } from "../terminal/output.ts";
import { writtenAs } from "./argument.ts";
import type { Answer, Command } from "./command.ts";
import type { Tree } from "./find.ts";
import { jsonOutput } from "./json-output.ts";
import { flagOf, type Option } from "./option.ts";
import { run } from "./run.ts";

/** What commander has to know of the commands. */
export function programOf(tree: Tree): CommanderCommand {
  const program = new CommanderCommand("harness")
    .description(
      "Tenant isolation for Postgres: set up, apply, verify, test and benchmark row security on any branch.",
    )
    .version("0.1.0")
    .option("--debug", "show the stack trace of an error")
    .showHelpAfterError("(harness --help shows the commands)")
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? exitCodes.clean : exitCodes.usage))
    .configureOutput({ writeOut: print })
    .configureHelp({ showGlobalOptions: true });
  for (const [name, found] of tree) {
    const own = program.command(name).description(found.summary);
    if (!("commands" in found)) register(own, found);
    else
      for (const [verb, each] of found.commands) register(own.command(verb).description(each.summary), each);
  }
  return program;
}

function register(commander: CommanderCommand, command: Command): void {
  const { options, arguments: args } = command;
  for (const [name, argument] of Object.entries(args))
    commander.argument(writtenAs(name, argument), argument.summary);
  // its own first, and then those under a heading
  for (const headed of [false, true])
    for (const [name, option] of Object.entries(options))
      if ((option.heading !== undefined) === headed) commander.addOption(commanderOption(name, option));
  commander.action(
    run(async (...given: unknown[]) => {
      const raw = given[Object.keys(args).length] as Record<string, unknown>;
      const read = Object.entries(options).map(([name, option]) => [
        name,
        option.read(raw[name], flagOf(name, option)),
      ]);
      const values = Object.fromEntries(read);
      const readArgs = Object.entries(args).map(([name, one], at) => [name, one.read(given[at], name)]);
      return show(await command.run(values, Object.fromEntries(readArgs)), values.json === true);
    }),
  );
}

function show({ json, text = "", exitCode = exitCodes.clean, error }: Answer, asJson: boolean): number {
  print(asJson && json ? jsonOutput(json) : text);
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

import type { ExitCode, HarnessError } from "../core/errors.ts";
import type { Arguments } from "./argument.ts";
import type { Options, ValuesOf } from "./option.ts";

/** What a command has to say at its end. */
export interface Answer {
  /** What --json prints, beside the version of its form. */
  json?: object;
  /** What is printed otherwise, line breaks included. */
  text?: string;
  /** 0 where nothing is said. */
  exitCode?: ExitCode;
  /** What ends the command behind its answer, as if it had been thrown. */
  error?: HarnessError;
}

/** A verb, as it stands in harness/commands/<verb>.ts or <group>/<verb>.ts. */
export interface Definition<O, A> {
  /** One line, without a full stop. */
  summary: string;
  options?: O;
  arguments?: A;
  /** Loads what it works with by itself: the definition alone is read for help and completion, which have to be instant. */
  run(options: ValuesOf<O>, args: ValuesOf<A>, all: AllCommands): Promise<Answer>;
}

export interface Command extends Definition<Options, Arguments> {
  options: Options;
  arguments: Arguments;
  run(options: Record<string, unknown>, args: Record<string, unknown>, all: AllCommands): Promise<Answer>;
}

/** Default export of a verb's file. */
export function command<O extends Options = Record<never, never>, A extends Arguments = Record<never, never>>(
  definition: Definition<O, A>,
): Command {
  return {
    summary: definition.summary,
    options: definition.options ?? {},
    arguments: definition.arguments ?? {},
    run: (options, args, all) => definition.run(options as ValuesOf<O>, args as ValuesOf<A>, all),
  };
}

/** Default export of <group>/index.ts. */
export interface Group {
  summary: string;
}

/** Commands and groups by name, in the order of their names. */
export type Tree = Map<string, Command | (Group & { commands: Map<string, Command> })>;

/** Reads every command there is: for a command about commands. */
export type AllCommands = () => Promise<Tree>;

#!/usr/bin/env node
import { findCommands } from "./command-line/find.ts";
import { programOf } from "./command-line/program.ts";

// Commands are found in commands/<verb>.ts and commands/<group>/<verb>.ts: this file names none.

const folder = new URL("./commands/", import.meta.url);
const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const program = programOf(await findCommands(folder, words), { all: () => findCommands(folder) });
await program.parseAsync();

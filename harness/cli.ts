#!/usr/bin/env node
import { findCommands } from "./command-line/find.ts";
import { programOf } from "./command-line/program.ts";

// Commands are found in commands/<verb>.ts and commands/<group>/<verb>.ts: this file names none.

const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
await programOf(await findCommands(words)).parseAsync();

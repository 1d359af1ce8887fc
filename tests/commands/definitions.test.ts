import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import { describe, expect, test } from "vitest";
import type { Command } from "../../harness/command-line/command.ts";
import { findCommands } from "../../harness/command-line/find.ts";
import { flagOf } from "../../harness/command-line/option.ts";
import { packageRoot } from "../../harness/core/project.ts";

const commands: [name: string, command: Command][] = [
  ...(await findCommands(new URL("../../harness/commands/", import.meta.url))),
].flatMap(([name, found]) =>
  "commands" in found
    ? [...found.commands].map(([verb, command]): [string, Command] => [`${name} ${verb}`, command])
    : [[name, found] as [string, Command]],
);

test("every file of harness/commands/ is a verb, or says what a group is", () => {
  const files = globSync("**/*.ts", { cwd: join(packageRoot, "harness/commands") });
  const verbs = files.filter((file) => !file.endsWith("/index.ts"));
  expect(commands.map(([name]) => name).sort()).toEqual(
    verbs.map((file) => file.replace(/\.ts$/, "").replace("/", " ")).sort(),
  );
});

test("no command has SQL in it, prints with its own hands or reads another's options", () => {
  for (const file of globSync("harness/commands/**/*.ts", { cwd: packageRoot, absolute: true })) {
    const text = readFileSync(file, "utf8");
    expect(text, file).not.toMatch(/\.query\(|process\.(argv|stdout\.write|stderr)|console\./);
    expect(text, file).not.toMatch(/from "\.\.?\/(?!\.)[^"]*commands|from "\.\/[^"]*"/);
  }
});

describe.each(commands)("harness %s", (_, { summary, options, arguments: args }) => {
  test("says what it is for, in a line without a full stop", () => {
    for (const text of [summary, ...Object.values({ ...options, ...args }).map((one) => one.summary)])
      expect(text).toMatch(/^[^\n]{3,}[^.\n]$/);
  });

  test("has defaults that its own options accept", () => {
    for (const [name, option] of Object.entries(options))
      if (!option.isRequired) expect(() => option.read(undefined, name)).not.toThrow();
  });

  test("refuses what an option cannot be, naming it, with one code", () => {
    for (const [name, option] of Object.entries(options)) {
      if (option.value === null || option.value.parse("no such thing") !== undefined) continue;
      const given = option.isRepeatable ? ["no such thing"] : "no such thing";
      expect(() => option.read(given, flagOf(name, option))).toThrowError(
        expect.objectContaining({
          code: "bad-option",
          message: expect.stringContaining(`${flagOf(name, option)} "no such thing" is not `),
          exitCode: 2,
        }),
      );
    }
  });
});

test("help is read without what commands work with", () => {
  const hook = `
    import { writeSync } from "node:fs";
    export async function resolve(specifier, context, next) {
      const found = await next(specifier, context);
      writeSync(2, found.url + "\\n");
      return found;
    }`;
  const register = `
    import { register } from "node:module";
    register("data:text/javascript,${encodeURIComponent(hook)}");`;
  const { stderr, stdout, status } = spawnSync(
    process.execPath,
    [
      "--import",
      `data:text/javascript,${encodeURIComponent(register)}`,
      join(packageRoot, "dist/cli.js"),
      "--help",
    ],
    { encoding: "utf8" },
  );
  expect({ status, usage: stdout.split("\n")[0] }).toEqual({
    status: 0,
    usage: "Usage: harness [options] [command]",
  });
  const packages = [...stderr.matchAll(/node_modules\/((?:@[^/]+\/)?[^/\n]+)/g)].map(([, name]) => name);
  expect([...new Set(packages)].sort()).toEqual(["commander", "picocolors"]);
});

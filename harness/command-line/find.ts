import { readdirSync } from "node:fs";
import type { Command, Group } from "./command.ts";

/** Commands and groups by name, in the order of their names. */
export type Tree = Map<string, Command | (Group & { commands: Map<string, Command> })>;

const folder = new URL("../commands/", import.meta.url);
const source = /^(?:(?<group>[a-z-]+)\/)?(?<verb>[a-z-]+)(?<!\.d)\.[jt]s$/;

/**
 * Reads harness/commands/: <verb>.ts and <group>/<verb>.ts, with <group>/index.ts saying what the group is for.
 * @param words of the command line: only what these can mean is read, since each file takes its time; all of it without them
 */
export async function findCommands(words?: readonly string[]): Promise<Tree> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => source.exec(file.replaceAll("\\", "/")))
    .filter((match) => match !== null)
    .map(({ 0: file, groups }) => ({ file, group: groups?.group, verb: groups?.verb as string }))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
  const [first] = words ?? [];
  const meant = files.filter(({ group, verb }) => (group ?? verb) === first);
  const wanted =
    words === undefined || first === "help"
      ? files
      : meant.length > 0
        ? meant
        : files.filter(({ group, verb }) => group === undefined || verb === "index");
  const loaded = await Promise.all(
    wanted.map(async (found) => ({
      ...found,
      content: (await import(new URL(found.file, folder).href)).default,
    })),
  );
  const tree: Tree = new Map();
  const named = ({ group, verb }: { group: string | undefined; verb: string }) => group ?? verb;
  for (const { group, verb, content } of loaded.filter(
    ({ group, verb, content }) => content && (!group || verb === "index"),
  ))
    tree.set(named({ group, verb }), group ? { ...content, commands: new Map() } : content);
  for (const { group, verb, content } of loaded) {
    const parent = group && verb !== "index" ? tree.get(group) : undefined;
    if (parent && "commands" in parent) parent.commands.set(verb, content);
  }
  return new Map([...tree].sort(([a], [b]) => (a < b ? -1 : 1)));
}

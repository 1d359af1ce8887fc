import { readdirSync } from "node:fs";
import type { Tree } from "./command.ts";

interface Found {
  file: string;
  /** The first word: a verb, or a group. */
  first: string;
  /** Of a group: its verb, or `index` for what the group is. */
  second: string | undefined;
}

/**
 * Reads a folder of commands: <verb>.ts and <group>/<verb>.ts, with <group>/index.ts saying what the group is for.
 * @param words of the command line: only what these can mean is read, since each file takes its time; left out: all there is
 */
export async function findCommands(folder: URL, words?: readonly string[]): Promise<Tree> {
  const files = listFiles(folder);
  const [first] = words ?? [];
  const meant = files.filter((found) => found.first === first);
  const overview = files.filter(({ second }) => second === undefined || second === "index");
  const wanted = words === undefined || first === "help" ? files : meant.length > 0 ? meant : overview;
  const tree: Tree = new Map();
  const contents = await Promise.all(wanted.map(({ file }) => import(new URL(file, folder).href)));
  // what a group is comes before its verbs
  const loaded = wanted
    .map((found, at) => ({ ...found, content: contents[at].default }))
    .sort((a, b) => Number(b.second === "index") - Number(a.second === "index"));
  for (const { first: name, second, content } of loaded) {
    const group = tree.get(name);
    if (second === undefined) tree.set(name, content);
    else if (second === "index") tree.set(name, { ...content, commands: new Map() });
    else if (group && "commands" in group) group.commands.set(second, content);
  }
  return new Map([...tree].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** By name. */
function listFiles(folder: URL): Found[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => /(?<!\.d)\.[jt]s$/.test(file))
    .sort()
    .map((file) => {
      const [first = "", second] = file.replace(/\.[jt]s$/, "").split("/");
      return { file, first, second };
    });
}

import type { Graph } from "./imports.ts";

/** The rooms of harness/ from the ground up (docs/ARCHITECTURE.md): each imports from layers below its own, and nothing of its neighbours. */
const layers: readonly (readonly string[])[] = [
  ["core"],
  ["client", "terminal"],
  ["config"],
  ["sql"],
  ["targets"],
  ["isolation"],
  [
    ...["verify", "attack", "mutate", "alerts", "doctor", "migrate", "setup"],
    ...["pgtap", "pii", "outbox", "partitions", "report"],
  ],
  ["bench"],
  ["command-line"],
  ["commands"],
  ["cli.ts", "index.ts"],
];

/** What these import at most, though more lies below them. */
const only: Readonly<Record<string, RegExp>> = {
  client: /^core\/(errors|redaction)\.ts$/,
  terminal: /^core\//,
  report: /^(core|terminal)\//,
  "index.ts": /^client\//,
};

const roomOf = (file: string): string => file.split("/")[0] as string;

const layerOf = (room: string): number => layers.findIndex((rooms) => rooms.includes(room));

/** Imports that go up or sideways, and rooms that stand nowhere. */
export function misplacedIn(graph: Graph): string[] {
  return [...graph].flatMap(([file, imports]) => {
    const room = roomOf(file);
    if (layerOf(room) < 0) return [`${file}: its room is in no layer`];
    return imports.filter((to) => roomOf(to) !== room && !may(room, to)).map((to) => `${file} → ${to}`);
  });
}

function may(room: string, to: string): boolean {
  const layer = layerOf(roomOf(to));
  return layer >= 0 && layer < layerOf(room) && (only[room]?.test(to) ?? true);
}

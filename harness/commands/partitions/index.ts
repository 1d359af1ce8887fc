import type { Group } from "../../command-line/command.ts";

export default {
  summary: "partitions by time: make them ahead, look at them, take expired ones away, convert tables",
} satisfies Group;

import type { Group } from "../../command-line/command.ts";

export default { summary: "PII: encrypt columns, change keys, erase, export" } satisfies Group;

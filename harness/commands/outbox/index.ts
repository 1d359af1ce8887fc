import type { Group } from "../../command-line/command.ts";

export default { summary: "queues of events: dispatch them, look at them, mend them" } satisfies Group;

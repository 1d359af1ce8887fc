import type { Group } from "../../command-line/command.ts";

export default { summary: "local branches: one embedded Postgres each" } satisfies Group;

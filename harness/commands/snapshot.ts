import { readFileSync } from "node:fs";
import type { DatabaseOptions } from "../command-line/database-options.ts";
import { withClient } from "../command-line/session.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { parseSnapshot, snapshotText, takeSnapshot } from "../migrate/snapshot.ts";
import { snapshotDifference } from "../migrate/snapshot-difference.ts";
import { print } from "../terminal/output.ts";

interface SnapshotOptions extends DatabaseOptions {
  schema?: string[] | undefined;
  diff?: string | undefined;
}

/** Writes what a database is made of. With --diff: exit code 1 if it is something else than what that file says. */
export async function snapshot({ schema, diff, ...options }: SnapshotOptions): Promise<ExitCode> {
  const before = diff === undefined ? undefined : read(diff);
  return withClient(options, "reads", "snapshot", async ({ client }) => {
    const taken = await takeSnapshot(client, { schemas: schema });
    const text =
      before === undefined ? snapshotText(taken) : snapshotDifference(parseSnapshot(before), taken);
    print(text);
    return before === undefined || text === "" ? exitCodes.clean : exitCodes.findings;
  });
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new HarnessError({
      code: "no-snapshot",
      message: `${path} cannot be read: ${(cause as Error).message}`,
      hint: "Name a file that harness snapshot has written.",
      cause,
    });
  }
}

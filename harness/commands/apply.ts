import type { DatabaseOptions } from "../command-line/database-options.ts";
import { seconds } from "../command-line/option-values.ts";
import { onConnection, withTarget } from "../command-line/session.ts";
import { type ExitCode, exitCodes } from "../core/errors.ts";
import { projectRoot } from "../core/project.ts";
import { redact } from "../core/redaction.ts";
import { applyMigrations } from "../migrate/apply.ts";
import { refusePooledUrl } from "../migrate/migration-url.ts";
import { paint, paintNote } from "../terminal/color.ts";
import { note, print } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";

export interface ApplyOptions extends DatabaseOptions {
  /** Seconds. */
  lockTimeout?: string | undefined;
  wait?: string | undefined;
}

/** Applies the committed migrations that a branch does not have yet. */
export async function apply(options: ApplyOptions): Promise<ExitCode> {
  const limits = {
    lockTimeoutMs: seconds("--lock-timeout", options.lockTimeout, 0.5),
    patienceMs: seconds("--wait", options.wait, 60),
  };
  return withTarget(options, "writes", async ({ target }) => {
    refusePooledUrl(target.url);
    return onConnection(target.url, "apply", async (client) => {
      const stopProgress = progress("applying migrations");
      const onWaiting = (message: string) =>
        note(`  ${paintNote.yellow("…")} ${redact(message)}; trying again`);
      const onFile = (file: string) => print(`  ${paint.green("+")} ${file}\n`);
      const applied = await applyMigrations(client, {
        root: projectRoot(),
        url: target.url,
        ...limits,
        onFile,
        onWaiting,
      }).finally(stopProgress);
      print(
        applied.length === 0
          ? "Up to date: nothing was pending\n"
          : `Applied: ${applied.length} migrations\n`,
      );
      return exitCodes.clean;
    });
  });
}

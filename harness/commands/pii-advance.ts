import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { moveTo, phaseBeside } from "../pii/advance.ts";
import { keyFromEnvironment, requireKey } from "../pii/key.ts";
import { nextStep } from "../pii/next-step.ts";
import { assertKey } from "../pii/session.ts";
import { columnStatus } from "../pii/status.ts";
import { type Phase, phases, protectedTables } from "../pii/tables.ts";
import { paint } from "../terminal/color.ts";
import { progress } from "../terminal/progress.ts";
import { type PiiOptions, printJson, say } from "./pii-options.ts";
import { withPii } from "./pii-session.ts";

interface AdvanceOptions extends PiiOptions {
  to?: string;
  back?: boolean;
}

/** Moves a table to the next phase of its roll-out, or one back. Exit code 1 if the phase's condition does not hold. */
export async function piiAdvance(options: AdvanceOptions): Promise<ExitCode> {
  const wanted = options.to === undefined ? undefined : phaseNamed(options.to);
  const early = {
    done: () => "a phase is entered in one transaction, all of it or nothing",
    goOn: "See harness pii status, then run it again if the phase is the same.",
  };
  return withPii(options, "writes", "pii advance", early, async ({ client, target }) => {
    const tables = await protectedTables(client, options.table);
    const [table] = tables;
    if (!table || tables.length > 1) {
      throw new HarnessError({
        code: "which-table",
        message: `several tables have protected columns: ${tables.map((one) => one.table).join(", ")}`,
        hint: "Say which one with --table.",
      });
    }
    const phase = wanted ?? phaseBeside(table, options.back ?? false);
    const opensAll = phase === "verified" && table.phase === "backfilled";
    const key = opensAll ? requireKey("HARNESS_PII_KEY") : keyFromEnvironment("HARNESS_PII_KEY");
    if (key) await assertKey(client, key);
    const stop = progress(`moving ${table.table} to ${phase}`);
    await moveTo(client, table, phase, { key }).finally(stop);
    const [now] = await protectedTables(client, table.table);
    const next = now ? nextStep(now, await columnStatus(client, now)) : null;
    if (options.json)
      printJson({ branch: target.branch, table: table.table, from: table.phase, to: phase, next });
    else say(`${table.table}: ${table.phase} → ${paint.bold(phase)}\n${next ? `next: ${next}` : "complete"}`);
    return exitCodes.clean;
  });
}

function phaseNamed(name: string): Phase {
  const phase = phases.find((one) => one === name);
  if (phase) return phase;
  throw new HarnessError({
    code: "no-such-phase",
    message: `there is no phase ${JSON.stringify(name)}`,
    hint: `They are, in order: ${phases.join(", ")}.`,
  });
}

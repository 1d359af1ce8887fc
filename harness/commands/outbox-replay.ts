import type { DatabaseOptions } from "../command-line/database-options.ts";
import { jsonOutput } from "../command-line/json-output.ts";
import { withClient } from "../command-line/session.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { groupBy } from "../core/group.ts";
import { uuid } from "../core/uuid.ts";
import { asJob } from "../outbox/queue.ts";
import { findQueue } from "../outbox/queues.ts";
import { cancelOnExit } from "../targets/session/cancel-on-exit.ts";
import { print } from "../terminal/output.ts";

export interface OutboxReplayOptions extends DatabaseOptions {
  queue?: string | undefined;
  id?: string | undefined;
  tenant?: string | undefined;
  dead?: boolean | undefined;
  limit?: string | undefined;
  dryRun?: boolean | undefined;
}

interface Replayed {
  tenant: string;
  id: string;
  outcome: string;
}

/** Lets dead events be tried again. Exit code 1 if there was none. */
export async function outboxReplay(options: OutboxReplayOptions): Promise<ExitCode> {
  const { id = null, tenant = null, dryRun = false } = options;
  if (!options.dead && id === null && tenant === null) {
    throw new HarnessError({
      code: "nothing-chosen",
      message: "outbox replay wants to know what",
      hint: "Give --dead for all dead events, --tenant for those of a tenant, --id for one.",
    });
  }
  requireMatch("--id", id, /^\d{1,18}$/, "an id is a whole number");
  requireMatch("--tenant", tenant, uuid, "a tenant is a uuid");
  requireMatch("--limit", options.limit ?? null, /^[1-9]\d{0,6}$/, "a limit is a whole number from 1");
  // It runs in full and is rolled back: what it would do is what it did.
  return withClient(options, dryRun ? "reads" : "writes", "outbox replay", async ({ client, target }) => {
    const queue = await findQueue(client, options.queue);
    const replayed: Replayed[] = [];
    const undo = new Error("dry run");
    const over = cancelOnExit(
      client,
      target.url,
      () => "nothing has been replayed. The same command begins anew",
    );
    const work = asJob(client, "outbox-replay", async () => {
      const { rows } = await client.query<Replayed>(
        `select replayed_tenant as tenant, replayed_id as id, outcome
           from outbox.replay($1::uuid, $2::bigint, $3::integer, $4::regclass)`,
        [tenant, id, options.limit ?? 1000, queue.name],
      );
      replayed.push(...rows);
      if (dryRun) throw undo;
    });
    await work
      .catch((error) => {
        if (error !== undo) throw error;
      })
      .finally(over);
    print(
      options.json
        ? jsonOutput({ branch: target.branch, queue: queue.name, dryRun, events: replayed })
        : describe(replayed, dryRun),
    );
    return replayed.length > 0 ? exitCodes.clean : exitCodes.findings;
  });
}

function describe(events: readonly Replayed[], dryRun: boolean): string {
  if (events.length === 0) return "Nothing is dead there\n";
  const lines = [...groupBy(events, ({ tenant }) => tenant)].map(([tenant, own]) => {
    const waiting = own.filter(({ outcome }) => outcome !== "replayed").length;
    return `  ${tenant}  ${own.length - waiting}${waiting > 0 ? `, and ${waiting} that wait already` : ""}\n`;
  });
  const count = events.filter(({ outcome }) => outcome === "replayed").length;
  return `${lines.join("")}${dryRun ? `Dry run: would replay ${count}` : `Replayed: ${count}`}\n`;
}

function requireMatch(option: string, value: string | null, pattern: RegExp, rule: string): void {
  if (value === null || pattern.test(value)) return;
  throw new HarnessError({
    code: "bad-argument",
    message: `${option} ${value}: ${rule}`,
    hint: "See harness outbox replay --help.",
  });
}

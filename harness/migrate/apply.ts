import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { onExit, onInterrupt } from "../core/cleanup.ts";
import { isConnectionLoss } from "../core/connection-loss.ts";
import { HarnessError } from "../core/errors.ts";
import { graphileMigrate } from "./graphile.ts";
import { committedMigrations, mendLinks } from "./layout.ts";
import { type MigrationStatus, migrationStatus } from "./ledger.ts";
import { migrationUrl, refusePooler } from "./migration-url.ts";
import { type Stretch, stretchesOf } from "./stretches.ts";

export interface ApplyOptions {
  root: string;
  /** URL of the database to migrate, to which `client` is connected. */
  url: string;
  /** Longest wait for a lock that others may queue behind, each time, in milliseconds. */
  lockTimeoutMs?: number;
  /** How long to go on trying for locks, in milliseconds. */
  patienceMs?: number;
  onFile?: (file: string) => void;
  /** Hears who is in the way, whenever a lock did not come in time. */
  onWaiting?: (message: string) => void;
}

/**
 * Applies the pending migrations. Each that is a transaction waits for locks a moment only, since everybody queues behind whoever waits,
 * and is tried again until the locks come.
 * @returns those that were pending
 * @throws HarnessError `migrations-diverged` before anything runs, `migration-failed`, `waited-for-lock`, `migration-locked`, `pooled-url`, `connection-lost`
 */
export async function applyMigrations(client: Client, options: ApplyOptions): Promise<MigrationStatus[]> {
  const { root, url } = options;
  await refusePooler(client, url);
  committedMigrations(root); // says so where there are none
  mendLinks(root);
  const before = await migrationStatus(client, root);
  refuseDiverged(before);
  const pending = before.filter(({ state }) => state === "pending");
  if (pending.length === 0) return [];
  const account = accountFor(client, root, pending);
  const stretches = stretchesOf(root, pending);
  try {
    for (const stretch of stretches) await runPatiently(client, stretch, options);
  } finally {
    await account.close();
    for (const { discard } of stretches) await discard();
  }
  return pending;
}

async function runPatiently(client: Client, stretch: Stretch, options: ApplyOptions): Promise<void> {
  const { root, url, lockTimeoutMs = 500, patienceMs = 60_000, onFile, onWaiting } = options;
  const deadline = Date.now() + patienceMs;
  const begun = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    try {
      return await graphileMigrate({
        ...stretch.task,
        root,
        client,
        env: { DATABASE_URL: migrationUrl(url, client) },
        // CREATE INDEX CONCURRENTLY waits without anybody queuing behind it, and would leave an invalid index if it gave up
        ...(stretch.transactional ? { pgSettings: { lock_timeout: `${lockTimeoutMs}ms` } } : {}),
        onLine: (line) => {
          const file = /Running migration '([^']+)'/.exec(line)?.[1];
          if (!file || begun.has(file)) return;
          begun.add(file);
          onFile?.(file);
        },
      });
    } catch (error) {
      const waited = error instanceof HarnessError && error.code === "waited-for-lock";
      if (!waited || !stretch.transactional || Date.now() > deadline) throw error;
      onWaiting?.(error.message);
      // at random, so that two that met do not meet again
      await sleep(Math.min(50 * 2 ** attempt, 2_000) * (0.5 + Math.random() / 2));
    }
  }
}

/** Tells whoever interrupts the run what the branch has by then, which only the ledger knows. */
function accountFor(client: Client, root: string, pending: MigrationStatus[]) {
  let left: string[] | null = null;
  const count = onExit(async () => {
    const now = await migrationStatus(client, root);
    left = now.filter(({ state }) => state === "pending").map(({ file }) => file);
  });
  const withdraw = onInterrupt(() =>
    left === null
      ? "what was under way is rolled back. `harness status` says what the branch has; `harness apply` goes on from there."
      : `${pending.length - left.length} of ${pending.length} migrations are applied${left[0] ? `; ${left[0]} is not, and nothing of it is left` : ""}. \`harness apply\` goes on from there.`,
  );
  return {
    close: async () => {
      await count().catch((error) => {
        if (!isConnectionLoss(error)) throw error;
      });
      withdraw();
    },
  };
}

/** graphile-migrate itself says "up to date" to an edited, replaced or deleted migration. */
function refuseDiverged(statuses: MigrationStatus[]): void {
  const lastApplied = statuses.findLastIndex(({ state }) => state === "applied");
  const wrong = statuses.find(
    ({ state }, at) =>
      state === "changed" || state === "missing" || (state === "pending" && at < lastApplied),
  );
  if (!wrong) return;
  const why = {
    changed: "is not the file that was applied to this branch",
    missing: "was applied to this branch and is not in migrations/committed",
    pending: "comes before one that was applied already",
    applied: "",
  }[wrong.state];
  throw new HarnessError({
    code: "migrations-diverged",
    message: `${wrong.file} ${why}`,
    hint: "Bring back the file that was applied (git), and put the change into a new migration. `harness status` shows them all.",
  });
}

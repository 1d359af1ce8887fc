import type { Client } from "pg";
import { HarnessError } from "../core/errors.ts";
import { watchFiles } from "../core/watch-files.ts";
import { onConnection } from "../targets/session/on-connection.ts";
import { urlOf } from "../targets/session/url-of.ts";
import { applyWorking } from "./apply-working.ts";
import { ScratchCopy } from "./scratch-copy.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";
import { changedObjects } from "./snapshot-difference.ts";
import { workingState } from "./working-state.ts";

export interface DevParts {
  admin: Client;
  url: string;
  root: string;
  /** The name of the database that the scratch copy is made of: the committed migrations. */
  template(): Promise<string>;
  /** Runs what changed objects and files touch, on the scratch copy. @returns whether all of it passed */
  test(client: Client, changed: string[], snapshot: Snapshot, files: string[]): Promise<boolean>;
  say(line: string): void;
}

/** Keeps a scratch copy of the branch at what current.sql and policies/ say, and tests what changes. */
export class DevLoop {
  readonly scratch: ScratchCopy;
  readonly #parts: DevParts;
  #before: { template: string; snapshot: Snapshot } | undefined;

  constructor(parts: DevParts) {
    this.scratch = new ScratchCopy(parts.admin);
    this.#parts = parts;
  }

  /** Goes round whenever a file changes, for ever. What somebody has written wrong ends no loop. */
  async watch(): Promise<never> {
    const { root, say } = this.#parts;
    const watched = ["policies", "current.sql", "migrations/committed", "tests/pgtap"];
    const changes = watchFiles(root, watched);
    say(
      `Watching policies/, current.sql and tests/pgtap/; the scratch copy is the database ${ScratchCopy.database}`,
    );
    for (let files: string[] = []; ; files = await changes.next()) {
      await this.round(files)
        .finally(() => this.prepare())
        .catch((error: unknown) => {
          if (!(error instanceof HarnessError)) throw error;
          say(`${error.message}${error.hint ? `. ${error.hint}` : ""} [${error.code}]`);
        });
    }
  }

  async prepare(): Promise<void> {
    await this.scratch.prepare(await this.#parts.template());
  }

  /** @returns whether all tests passed */
  async round(files: string[]): Promise<boolean> {
    const { root, say, test } = this.#parts;
    const template = await this.#parts.template();
    const started = performance.now();
    await this.scratch.renew(template);
    const url = urlOf(this.#parts.url, ScratchCopy.database);
    return onConnection(url, "dev", async (client) => {
      if (this.#before?.template !== template)
        this.#before = { template, snapshot: await takeSnapshot(client, { rows: true }) };
      const state = workingState(root);
      await applyWorking(client, { root, url }, state);
      const applied = performance.now() - started;
      const snapshot = await takeSnapshot(client, { rows: true });
      const changed = changedObjects(this.#before.snapshot, snapshot);
      this.#before.snapshot = snapshot;
      say(`${summary(state.current !== "", state.changed.length)}, applied in ${Math.round(applied)} ms`);
      for (const object of changed) say(`  ${object}`);
      return test(client, changed, snapshot, files);
    });
  }
}

function summary(current: boolean, changed: number): string {
  const parts = [current ? "current.sql" : "", changed > 0 ? `${changed} changed files of policies/` : ""];
  return parts.filter(Boolean).join(" and ") || "Nothing that is not committed";
}

/** Two of them would drop each other's scratch copy. */
export async function requireAlone(client: Client): Promise<void> {
  const { rows } = await client.query<{ free: boolean }>("select pg_try_advisory_lock(1885434485) as free");
  if (rows[0]?.free) return;
  throw new HarnessError({
    code: "dev-running",
    message: "another harness dev runs on this branch",
    hint: "Stop it, or use another branch.",
  });
}

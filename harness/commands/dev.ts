import { resolve } from "node:path";
import type { Client } from "pg";
import type { DatabaseOptions } from "../command-line/database-options.ts";
import { onConnection, withClient } from "../command-line/session.ts";
import { onExit } from "../core/cleanup.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { projectRoot } from "../core/project.ts";
import { watchFiles } from "../core/watch-files.ts";
import { applyWorking } from "../migrate/apply-working.ts";
import { type Snapshot, takeSnapshot } from "../migrate/snapshot.ts";
import { changedObjects } from "../migrate/snapshot-difference.ts";
import { workingState } from "../migrate/working-state.ts";
import { runFiles } from "../pgtap/run-files.ts";
import { countAssertions, fileAsTap } from "../pgtap/tap-output.ts";
import { testsThatTouch } from "../pgtap/touched-tests.ts";
import { print } from "../terminal/output.ts";
import { urlOf } from "./draft-database.ts";
import { committedTemplate } from "./migrated-template.ts";
import { ScratchCopy } from "./scratch-copy.ts";

/** Keeps a scratch copy of the branch at what current.sql and policies/ say, and runs the pgTAP files that what changed touches. */
export async function dev({ once, ...options }: DatabaseOptions & { once?: boolean }): Promise<ExitCode> {
  return withClient(options, "writes", "dev", async ({ client, target }) => {
    await requireAlone(client);
    const loop = new Loop(client, target.url, projectRoot());
    const drop = onExit(() => loop.scratch.drop());
    if (once) {
      const passed = await loop.round([]).finally(drop);
      return passed ? exitCodes.clean : exitCodes.findings;
    }
    const changes = watchFiles(projectRoot(), [
      "policies",
      "current.sql",
      "migrations/committed",
      "tests/pgtap",
    ]);
    say(
      `Watching policies/, current.sql and tests/pgtap/; the scratch copy is the database ${ScratchCopy.database}`,
    );
    for (let files: string[] = []; ; files = await changes.next()) {
      await loop
        .round(files)
        .finally(() => loop.prepare())
        .catch(report);
    }
  });
}

class Loop {
  readonly scratch: ScratchCopy;
  readonly #admin: Client;
  readonly #url: string;
  readonly #root: string;
  #before: { template: string; snapshot: Snapshot } | undefined;
  #failing: string[] = [];

  constructor(admin: Client, url: string, root: string) {
    this.scratch = new ScratchCopy(admin);
    this.#admin = admin;
    this.#url = url;
    this.#root = root;
  }

  async prepare(): Promise<void> {
    await this.scratch.prepare(await committedTemplate(this.#admin, this.#url, this.#root));
  }

  /** @returns whether all tests passed */
  async round(files: string[]): Promise<boolean> {
    const template = await committedTemplate(this.#admin, this.#url, this.#root);
    const started = performance.now();
    await this.scratch.renew(template);
    const url = urlOf(this.#url, ScratchCopy.database);
    return onConnection(url, "dev", async (client) => {
      if (this.#before?.template !== template)
        this.#before = { template, snapshot: await takeSnapshot(client, { rows: true }) };
      const state = workingState(this.#root);
      await applyWorking(client, { root: this.#root, url }, state);
      const applied = performance.now() - started;
      const snapshot = await takeSnapshot(client, { rows: true });
      const changed = changedObjects(this.#before.snapshot, snapshot);
      this.#before.snapshot = snapshot;
      say(`${summary(state.current !== "", state.changed.length)}, applied in ${Math.round(applied)} ms`);
      for (const object of changed) say(`  ${object}`);
      return this.#test(client, testsThatTouch(this.#root, changed, snapshot, [...files, ...this.#failing]));
    });
  }

  async #test(client: Client, tests: string[]): Promise<boolean> {
    if (tests.length === 0) {
      say("No test touches what changed");
      return true;
    }
    let number = 0;
    const results = await runFiles(tests, {
      jobs: 1,
      withDatabase: (work) => work(client),
      onResult: (result) => {
        const failed = result.assertions.length === 0 || result.assertions.some(({ ok }) => !ok);
        if (failed) print(fileAsTap(result, ++number));
      },
    });
    const failed = results.filter(
      ({ assertions }) => assertions.some(({ ok }) => !ok) || assertions.length === 0,
    );
    this.#failing = failed.map(({ file }) => resolve(file));
    const counts = countAssertions(results);
    say(`${tests.length} test files: ${counts.passed} passed, ${counts.failed} failed`);
    return counts.failed === 0;
  }
}

/** What somebody has written wrong ends no loop. */
function report(error: unknown): void {
  if (!(error instanceof HarnessError)) throw error;
  say(`${error.message}${error.hint ? `. ${error.hint}` : ""} [${error.code}]`);
}

const say = (text: string) => print(`${text}\n`);

function summary(current: boolean, changed: number): string {
  const parts = [current ? "current.sql" : "", changed > 0 ? `${changed} changed files of policies/` : ""];
  return parts.filter(Boolean).join(" and ") || "Nothing that is not committed";
}

/** Two of them would drop each other's scratch copy. */
async function requireAlone(client: Client): Promise<void> {
  const { rows } = await client.query<{ free: boolean }>("select pg_try_advisory_lock(1885434485) as free");
  if (rows[0]?.free) return;
  throw new HarnessError({
    code: "dev-running",
    message: "another harness dev runs on this branch",
    hint: "Stop it, or use another branch.",
  });
}

import { resolve } from "node:path";
import type { Client } from "pg";
import { runFiles } from "./run-files.ts";
import { countAssertions, fileAsTap } from "./tap-output.ts";
import { testsThatTouch } from "./touched-tests.ts";

/**
 * Runs the tests that a change touches, and those that failed the last time.
 * @param print gets the TAP of those that fail, and at the end a line of figures
 */
export class TouchedRun {
  readonly #root: string;
  readonly #print: (text: string) => void;
  #failing: string[] = [];

  constructor(root: string, print: (text: string) => void) {
    this.#root = root;
    this.#print = print;
  }

  /** @returns whether all passed */
  async run(
    client: Client,
    changed: string[],
    snapshot: ReadonlyMap<string, string>,
    files: string[],
  ): Promise<boolean> {
    const tests = testsThatTouch(this.#root, changed, snapshot, [...files, ...this.#failing]);
    if (tests.length === 0) {
      this.#print("No test touches what changed\n");
      return true;
    }
    let number = 0;
    const results = await runFiles(tests, {
      jobs: 1,
      withDatabase: (work) => work(client),
      onResult: (result) => {
        if (hasFailed(result)) this.#print(fileAsTap(result, ++number));
      },
    });
    this.#failing = results.filter(hasFailed).map(({ file }) => resolve(file));
    const { passed, failed } = countAssertions(results);
    this.#print(`${tests.length} test files: ${passed} passed, ${failed} failed\n`);
    return failed === 0;
  }
}

/** A file without an assertion has proved nothing. */
const hasFailed = ({ assertions }: { assertions: readonly { ok: boolean }[] }): boolean =>
  assertions.length === 0 || assertions.some(({ ok }) => !ok);

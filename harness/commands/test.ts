import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import type { Client } from "pg";
import { globSync } from "tinyglobby";
import type { DatabaseOptions } from "../command-line/database-options.ts";
import { onConnection, withClient } from "../command-line/session.ts";
import { onExit } from "../core/cleanup.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { projectRoot } from "../core/project.ts";
import { workingState } from "../migrate/working-state.ts";
import { type RunOptions, runFiles } from "../pgtap/run-files.ts";
import { countAssertions, fileAsTap } from "../pgtap/tap-output.ts";
import { createDatabase, dropDatabase } from "../sql/databases.ts";
import { print } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";
import { migratedTemplate, urlOf } from "./migrated-template.ts";

export interface TestOptions extends DatabaseOptions {
  /** On the branch's own database instead of a clone of the migrated template. */
  inPlace?: boolean;
  jobs?: string;
}

/** Runs pgTAP files and writes TAP. Exit code 1 if an assertion failed. */
export async function test(patterns: string[], options: TestOptions): Promise<ExitCode> {
  const files = findFiles(patterns);
  const jobs = jobsOf(options.jobs);
  return withClient(options, "writes", "test", async ({ client, target }) => {
    const withDatabase = options.inPlace ? inPlace(target.url) : await onClones(client, target.url);
    let number = 0;
    print(`TAP version 14\n${options.inPlace ? "" : whatElse(projectRoot())}`);
    const results = await runFiles(files, {
      jobs,
      withDatabase,
      onResult: (result) => print(fileAsTap(result, ++number)),
    });
    const { passed, failed } = countAssertions(results);
    print(`1..${number}\n# ${passed} passed, ${failed} failed\n`);
    return failed > 0 ? exitCodes.findings : exitCodes.clean;
  });
}

/** A clone of the migrated template for each file: files neither see nor block each other, whatever they do. */
async function onClones(admin: Client, url: string): Promise<RunOptions["withDatabase"]> {
  const stopProgress = progress("preparing the template: setup, migrations, pgTAP");
  const template = await migratedTemplate(admin, url, projectRoot()).finally(stopProgress);
  return async (work) => {
    const clone = `harness_test_${randomUUID().slice(0, 8)}`;
    const drop = onExit(() => dropDatabase(admin, clone));
    try {
      await createDatabase(admin, clone, template);
      return await onConnection(urlOf(url, clone), "test", work);
    } finally {
      await drop();
    }
  };
}

/** The template has what is not committed too: a comment says so. */
function whatElse(root: string): string {
  const { current, changed } = workingState(root);
  const parts = [current === "" ? [] : ["current.sql"], changed.map(({ path }) => `policies/${path}`)].flat();
  return parts.length === 0 ? "" : `# not committed: ${parts.join(", ")}\n`;
}

const inPlace =
  (url: string): RunOptions["withDatabase"] =>
  (work) =>
    onConnection(url, "test", work);

function findFiles(patterns: string[]): string[] {
  const root = projectRoot();
  const files =
    patterns.length === 0
      ? globSync("tests/pgtap/**/*.sql", { cwd: root, absolute: true, ignore: "**/support/**" })
      : patterns.flatMap((p) => globSync(p, { absolute: true }));
  if (files.length > 0) return files.map((file) => resolve(file)).sort();
  const message =
    patterns.length === 0
      ? `there is no tests/pgtap/*.sql under ${root}`
      : `no file matches ${patterns.join(" ")}`;
  throw new HarnessError({
    code: "no-tests",
    message,
    hint: "Name the pgTAP files, or run this in a project that has some.",
  });
}

function jobsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs > 0) return jobs;
  throw new HarnessError({
    code: "bad-option",
    message: `--jobs ${text} is not a number of files`,
    hint: "Give a whole number from 1.",
  });
}

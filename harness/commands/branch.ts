import { HarnessError } from "../core/errors.ts";
import { assertBranchName, branchNames, isKept, readBranch } from "../targets/local/branch-folder.ts";
import { createBranch, deleteBranch } from "../targets/local/cluster.ts";
import { readPostmaster } from "../targets/local/postmaster.ts";
import { stateFolder } from "../targets/local/state.ts";
import { startBranch, stopBranch } from "../targets/local/target.ts";
import { note, print } from "../terminal/output.ts";

export interface CreateOptions {
  flavor?: string | undefined;
  /** PostgreSQL's major version. */
  pg?: string | undefined;
  json?: boolean | undefined;
}

const offeredVersion = "17";

export async function create(name: string, options: CreateOptions = {}): Promise<undefined> {
  assertBranchName(name);
  const { flavor, pg = offeredVersion, json } = options;
  if (pg !== offeredVersion) {
    throw new HarnessError({
      code: "unsupported-version",
      message: `there is no embedded PostgreSQL ${pg}`,
      hint: `Local branches are PostgreSQL ${offeredVersion}; a server of your own is reached by --database-url.`,
    });
  }
  const state = stateFolder();
  if (branchNames(state).includes(name)) throw alreadyExists(name);
  const { branch, created } = await createBranch(state, name, { flavor });
  if (!created) throw alreadyExists(name);
  const { record } = branch;
  say(
    json
      ? JSON.stringify(describe(name), null, 2)
      : `Created branch ${name} (${record.flavor}, PostgreSQL ${record.pg}). Commands start it on demand.`,
  );
}

export async function list({ json }: { json?: boolean | undefined } = {}): Promise<undefined> {
  const branches = branchNames(stateFolder()).map(describe);
  if (json) say(JSON.stringify({ branches }, null, 2));
  else if (branches.length === 0) say("No local branches yet. To make one: harness branch create NAME");
  else printTable(branches);
}

/** Prints the URL with its password, which is what it is for, and nothing else on stdout. */
export async function url(name: string): Promise<undefined> {
  const started = await startBranch(name);
  say(started.url);
  if (started.news) {
    note(`Branch ${name} now stays running. To stop it: harness branch stop ${name}`);
  }
}

export async function start(name: string): Promise<undefined> {
  const { port, news } = await startBranch(name);
  say(`Branch ${name} ${news ? "is now" : "was already"} running, on 127.0.0.1:${port}.`);
}

export async function stop(name: string): Promise<undefined> {
  const outcome = await stopBranch(name);
  if (outcome === "stopped") say(`Stopped branch ${name}.`);
  else if (outcome === "not running") say(`Branch ${name} is not running.`);
  else say(`Branch ${name} is in use by another command, and stops when that ends.`);
}

/** `harness branch delete`; the bare word is reserved. */
export async function remove(name: string): Promise<undefined> {
  assertBranchName(name);
  await deleteBranch(stateFolder(), name);
  say(`Deleted branch ${name}.`);
}

function alreadyExists(name: string): HarnessError {
  return new HarnessError({
    code: "branch-exists",
    message: `the branch "${name}" exists already`,
    hint: `Use it, or remove it first: harness branch delete ${name}.`,
  });
}

interface Description {
  name: string;
  /** `started`: explicitly; `in use`: until the commands end that use it. */
  state: "started" | "in use" | "stopped" | "damaged";
  flavor: string | null;
  pg: number | null;
  port: number | null;
}

function describe(name: string): Description {
  try {
    const branch = readBranch(stateFolder(), name);
    if (!branch) return { name, state: "damaged", flavor: null, pg: null, port: null };
    const { flavor, pg } = branch.record;
    const server = readPostmaster(branch.data);
    const state = server ? (isKept(branch) ? "started" : "in use") : "stopped";
    return { name, state, flavor, pg, port: server?.port ?? null };
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    return { name, state: "damaged", flavor: null, pg: null, port: null };
  }
}

function printTable(branches: Description[]): void {
  const rows = [
    ["NAME", "STATE", "FLAVOR", "PG", "PORT"],
    ...branches.map((b) => [b.name, b.state, b.flavor ?? "-", b.pg ?? "-", b.port ?? "-"].map(String)),
  ];
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)),
    [],
  );
  for (const row of rows)
    say(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

function say(line: string): void {
  print(`${line}\n`);
}

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HarnessError } from "../../core/errors.ts";
import { keepSecret } from "../../core/redaction.ts";
import { branchesFolder } from "./state.ts";

/** What branch.json holds. */
export interface BranchRecord {
  flavor: string;
  /** Major version of the server. */
  pg: number;
  /** npm package that brings the server. */
  package: string;
  superuser: string;
  owner: string;
  database: string;
  /** False: a crash of the machine may destroy it, and every write is faster for it. */
  durable: boolean;
  passwords: { superuser: string; owner: string };
}

export interface LocalBranch {
  name: string;
  state: string;
  folder: string;
  data: string;
  record: BranchRecord;
}

export const mainBranch = "main";

/** @throws HarnessError `bad-branch-name`; a name becomes the name of a folder. */
export function assertBranchName(name: string): void {
  if (/^[a-z0-9][a-z0-9._-]{0,62}$/.test(name)) return;
  throw new HarnessError({
    code: "bad-branch-name",
    message: `${JSON.stringify(name.slice(0, 80))} cannot be the name of a local branch`,
    hint: "Use at most 63 lower-case letters, digits, dots, hyphens and underscores, with a letter or digit first.",
  });
}

export function branchFolder(state: string, name: string): string {
  return join(branchesFolder(state), name);
}

/** Only the user who made the branch can read its passwords. */
export function writeRecord(folder: string, record: BranchRecord): void {
  writeFileSync(join(folder, "branch.json"), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
}

/** The branch of this name, or null. */
export function readBranch(state: string, name: string): LocalBranch | null {
  const folder = branchFolder(state, name);
  const file = join(folder, "branch.json");
  if (!existsSync(file)) return null;
  const record = parseRecord(readFileSync(file, "utf8"));
  if (!record) {
    throw new HarnessError({
      code: "damaged-branch",
      message: `the branch "${name}" cannot be read: ${file} is damaged`,
      hint: `To begin anew: harness branch delete ${name}.`,
    });
  }
  keepSecret(record.passwords.superuser);
  keepSecret(record.passwords.owner);
  return { name, state, folder, data: join(folder, "data"), record };
}

/** Names of the branches, without those that tests make for themselves. */
export function branchNames(state: string): string[] {
  const folder = branchesFolder(state);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => !name.startsWith("."))
    .sort();
}

/** True if the branch was started explicitly: then its server outlives the commands that use it. */
export function isKept({ folder }: LocalBranch): boolean {
  return existsSync(join(folder, "keep"));
}

export function setKept({ folder }: LocalBranch, kept: boolean): void {
  if (kept) writeFileSync(join(folder, "keep"), "");
  else rmSync(join(folder, "keep"), { force: true });
}

export function unknownBranch(name: string, state: string): HarnessError {
  const existing = branchNames(state).join(", ") || "none yet";
  return new HarnessError({
    code: "unknown-branch",
    message: `there is no local branch "${name}"`,
    hint: `Existing ones: ${existing}. To make it: harness branch create ${name}.`,
  });
}

function parseRecord(text: string): BranchRecord | null {
  try {
    const record = JSON.parse(text) as BranchRecord;
    const { superuser, owner, database, flavor, passwords, package: packageName } = record;
    const texts = [superuser, owner, database, flavor, packageName, passwords.superuser, passwords.owner];
    return texts.every((value) => typeof value === "string") && Number.isInteger(record.pg) ? record : null;
  } catch {
    return null;
  }
}

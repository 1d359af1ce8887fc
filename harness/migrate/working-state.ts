import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Pack, type PackFile, packNamed, readPacks } from "../sql/packs.ts";
import { committedMigrations } from "./layout.ts";

/** What has been written and not committed yet. */
export interface WorkingState {
  /** What current.sql says; "" if nothing but comments. */
  current: string;
  /** The files of packs that are not what the migrations have included last, in the order in which they are installed. */
  changed: PackFile[];
}

/** What the committed migrations and the packs differ in, and current.sql. */
export function workingState(root: string): WorkingState {
  const included = includedFiles(root);
  const files = readPacks(root).flatMap((pack) => pack.files);
  return {
    current: currentSql(root),
    changed: files.filter(({ path, text }) => included.get(path) !== text.trim()),
  };
}

export const isEmpty = ({ current, changed }: WorkingState) => current === "" && changed.length === 0;

/** The packs as they are to be once some of them are committed, the others as they have been committed. */
export function packsAfter(root: string, committing: string[]): PackFile[] {
  const included = includedFiles(root);
  return readPacks(root).flatMap((pack) =>
    committing.includes(pack.name)
      ? pack.files
      : pack.files.flatMap(({ path }) => {
          const text = included.get(path);
          return text === undefined ? [] : [{ path, text }];
        }),
  );
}

/**
 * Which packs are meant: those that are named, or for `all` those that changed.
 * @throws HarnessError `pack-unknown`
 */
export function choosePacks(root: string, names: string[]): string[] {
  const packs = readPacks(root);
  const changed = new Set(workingState(root).changed.map(({ path }) => path.split("/")[0]));
  const chosen = new Set<Pack>(names.filter((name) => name !== "all").map((name) => packNamed(packs, name)));
  return packs
    .filter((pack) => chosen.has(pack) || (names.includes("all") && changed.has(pack.name)))
    .map((pack) => pack.name);
}

/** The next migration: current.sql, and after it the changed files of these packs. */
export function nextMigration(root: string, packs: string[]): string {
  const { current, changed } = workingState(root);
  const blocks = packs.map((pack) => {
    const files = changed.filter(({ path }) => path.startsWith(`${pack}/`) && !includes(current, path));
    if (files.length === 0) return "";
    const lines = files.map(({ path }) => `--! include ${path}`);
    return [`${sourceLine(pack)}\n`, ...lines].join("\n");
  });
  return [current, ...blocks].filter(Boolean).join("\n\n");
}

const sourceLine = (pack: string) =>
  `-- Source: policies/${pack}/ (edit there, then harness commit --pack ${pack})`;

/** A migration that was committed, without what `nextMigration` has added to it. */
export const withoutPacks = (text: string) =>
  text.replaceAll(/^-- Source: policies\/.*\n(?:\s*--![ \t]*include .*(?:\n|$))+/gm, "").trim();

/** Whether current.sql includes the file itself, at the place where it is wanted. */
export function includes(current: string, path: string): boolean {
  return current.split("\n").some((line) => /^--![ \t]*include[ \t]+(\S+)[ \t]*$/.exec(line)?.[1] === path);
}

/** current.sql; "" if it holds nothing but comments. */
function currentSql(root: string): string {
  const file = join(root, "current.sql");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const blank = text.split("\n").every((line) => /^\s*(--(?!!).*)?$/.test(line));
  return blank ? "" : text.trim();
}

/** The text of each file as the last migration that includes it has it. */
function includedFiles(root: string): Map<string, string> {
  const included = new Map<string, string>();
  for (const { file } of committedMigrations(root)) {
    const text = readFileSync(join(root, "migrations", "committed", file), "utf8");
    for (const [, path, body] of text.matchAll(/^--! Included (\S+)\n([\s\S]*?)\n?^--! EndIncluded \1$/gm)) {
      included.set(path as string, (body as string).trim());
    }
  }
  return included;
}

/** The files that say more than the committed migrations. */
export function notCommitted(root: string): string[] {
  const { current, changed } = workingState(root);
  return [...(current === "" ? [] : ["current.sql"]), ...changed.map(({ path }) => `policies/${path}`)];
}

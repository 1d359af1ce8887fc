import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { HarnessError } from "../core/errors.ts";

/** A migration that is committed: immutable, and named in the order in which it is applied. */
export interface CommittedMigration {
  file: string;
  hash: string;
}

/** The links that graphile-migrate expects, as DESIGN puts them: the real files are where people look for them. */
const links: Record<string, string> = {
  "migrations/current.sql": "../current.sql",
  "migrations/fixtures": "../policies",
};

/** Makes the links anew where they got lost: npm packs none, and git without core.symlinks writes text files instead. */
export function mendLinks(root: string): void {
  for (const [path, target] of Object.entries(links)) {
    const link = join(root, path);
    const found = lstatSync(link, { throwIfNoEntry: false });
    if (found?.isSymbolicLink() || found?.isDirectory()) continue;
    const isLinkAsText = found?.isFile() && readFileSync(link, "utf8").trim() === target;
    if (found && !isLinkAsText) continue; // somebody's own file: graphile-migrate will use it
    rmSync(link, { force: true });
    symlinkSync(target, link);
  }
}

/** The committed migrations of a project. */
export function committedMigrations(root: string): CommittedMigration[] {
  const folder = join(root, "migrations", "committed");
  let files: string[];
  try {
    files = readdirSync(folder).filter((file) => /^\d{6,}(-[\w-]+)?\.sql$/.test(file));
  } catch (cause) {
    throw new HarnessError({
      code: "no-migrations",
      message: `there is no folder ${folder}`,
      hint: "Run this inside a project with migrations/committed, or see docs/migrations.md for the layout.",
      cause,
    });
  }
  return files.sort().map((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    return { file, hash: hashOf(text) };
  });
}

/**
 * The hash by which graphile-migrate knows a migration, from what the file says now: its header repeats the hash, and would go on
 * doing so after an edit.
 */
function hashOf(text: string): string {
  const [, head = "", body = ""] = /^((?:--! [A-Z]\w*(?::.*)?\n)*)([\s\S]*)$/.exec(text) ?? [];
  const previous = header(head, "Previous");
  const hashed = `${previous && previous !== "-" ? previous : ""}\n${body.trim()}`.trim();
  return `sha1:${createHash("sha1").update(`${hashed}\n`).digest("hex")}`;
}

function header(text: string, name: string): string | null {
  return new RegExp(`^--! ${name}: (.*)$`, "m").exec(text)?.[1]?.trim() ?? null;
}

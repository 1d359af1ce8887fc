import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A project of one's own with these committed migrations, `1-name` to its SQL; it goes with the test file. */
export function projectWith(migrations: Record<string, string>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "harness-project-")));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "migrations", "committed"), { recursive: true });
  mkdirSync(join(root, "policies"));
  writeFileSync(join(root, ".gmrc"), '{ "migrationsFolder": "./migrations" }');
  writeFileSync(join(root, "harness.config.json"), "{}");
  writeFileSync(join(root, "current.sql"), "-- next\n");
  let previous = "";
  for (const [name, sql] of Object.entries(migrations)) {
    const [number = "", slug] = name.split("-");
    const text = `${previous}\n${sql.trim()}`.trim();
    const hash = `sha1:${createHash("sha1").update(`${text}\n`).digest("hex")}`;
    writeFileSync(
      join(root, "migrations", "committed", `${number.padStart(6, "0")}-${slug}.sql`),
      `--! Previous: ${previous || "-"}\n--! Hash: ${hash}\n\n${sql.trim()}\n`,
    );
    previous = hash;
  }
  return root;
}

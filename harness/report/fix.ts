import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HarnessError } from "../core/errors.ts";
import { projectRoot } from "../core/project.ts";
import type { Result } from "../core/results.ts";
import { print } from "../terminal/output.ts";
import { planMending, toMigration } from "./mending-sql.ts";

/** `true`: to stdout. `current`: appended to current.sql. Never applied. */
export type FixOption = boolean | string;

/** @throws HarnessError `unknown-fix-target`, `no-current-sql` */
export function checkFixOption(fix: FixOption | undefined): void {
  if (fix === "current") currentSql();
  if (fix === "current" || typeof fix !== "string") return;
  throw new HarnessError({
    code: "unknown-fix-target",
    message: `--fix does not know "${fix}"`,
    hint: "Use --fix to print the SQL, or --fix=current to append it to current.sql.",
  });
}

/** Writes the SQL that mends the findings. Returns what it did, for people. */
export async function writeFix(results: readonly Result[], fix: FixOption): Promise<string> {
  const plan = await planMending(results);
  if (fix !== "current") {
    print(plan.mendings.length > 0 ? toMigration(plan) : "-- There is nothing to mend.\n");
    return summary(plan.mendings.length, plan.left.length, "");
  }
  const file = currentSql();
  const before = readFileSync(file, "utf8");
  const mendings = plan.mendings.filter(({ sql }) => !before.includes(sql));
  if (mendings.length > 0) {
    const gap = before === "" ? "" : before.endsWith("\n") ? "\n" : "\n\n";
    append(file, gap + toMigration({ ...plan, mendings }));
  }
  const known = plan.mendings.length - mendings.length;
  const inIt = `appended to ${file}${known > 0 ? ` (${known} were in it)` : ""}; nothing is applied`;
  return summary(mendings.length, plan.left.length, inIt);
}

function summary(mended: number, left: number, where: string): string {
  const what = `${mended} ${mended === 1 ? "change" : "changes"}`;
  const rest = left > 0 ? `; ${left} findings have no SQL that mends them` : "";
  return `harness verify --fix: ${[what, where].filter(Boolean).join(" ")}${rest}`;
}

/** The migration that is being written: this project's, or where graphile-migrate puts it by itself. */
function currentSql(): string {
  const places = ["current.sql", "migrations/current.sql"].map((path) => join(projectRoot(), path));
  const file = places.find((path) => existsSync(path));
  if (file) return file;
  throw new HarnessError({
    code: "no-current-sql",
    message: `there is neither ${places.join(" nor ")}`,
    hint: "Run this inside a project with migrations, or print the SQL with --fix alone.",
  });
}

function append(file: string, text: string): void {
  try {
    appendFileSync(file, text);
  } catch (cause) {
    throw new HarnessError({
      code: "current-not-written",
      message: `${file} cannot be written: ${(cause as Error).message}`,
      hint: "Check its permissions, or print the SQL with --fix alone.",
      cause,
    });
  }
}

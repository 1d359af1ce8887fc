import { paint } from "../terminal/color.ts";
import type { MigrationState, MigrationStatus } from "./ledger.ts";

const marks: Record<MigrationState, string> = {
  applied: paint.green("✓"),
  pending: paint.yellow("+"),
  changed: paint.red("≠"),
  missing: paint.red("✗"),
};

export const isUpToDate = (migrations: readonly MigrationStatus[]): boolean =>
  migrations.every(({ state }) => state === "applied");

/** For people: one line a migration, and what to do. */
export function describeMigrations(migrations: readonly MigrationStatus[]): string {
  const lines = migrations.map(
    ({ file, state, appliedAt }) => `  ${marks[state]} ${file}  ${paint.dim(appliedAt ?? state)}\n`,
  );
  const verdict = isUpToDate(migrations)
    ? "Up to date\n"
    : "Not up to date: harness apply applies what is pending\n";
  return `${lines.join("")}${verdict}`;
}

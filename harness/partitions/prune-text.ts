import { printable } from "../core/printable.ts";
import { count, size } from "../terminal/numbers.ts";
import { table as textTable } from "../terminal/table.ts";
import type { Outcome } from "./prune.ts";
import type { Planned } from "./prune-plan.ts";
import type { Pruned } from "./prune-run.ts";

export const prunedSoFar = ({ pruned, left }: Pruned): string =>
  `${count(pruned.length)} partitions are done, ${count(left)} are left. harness partitions prune goes on from there`;

export const pruneAgain =
  "What was done lasts: run this again, it goes on where it stopped, with a partition that is half detached too.";

const done: Record<Outcome, string> = {
  detach: "detached",
  archive: "archived",
  drop: "dropped",
  gone: "was gone already",
};

export function describePruned({ pruned, failed }: Pick<Pruned, "pruned" | "failed">): string {
  return [
    ...pruned.map(({ table, partition, did }) => `${printable(`${table}: ${partition} ${done[did]}`)}\n`),
    ...failed.map(
      ({ table, partition, reason }) => `${printable(`${table}: ${partition} failed, ${reason}`)}\n`,
    ),
  ].join("");
}

export function describePlan(plan: readonly Planned[]): string {
  if (plan.length === 0) return "Nothing has expired\n";
  const rows = plan.map(({ child, upto, rows: number, bytes, action, archiveSchema }) => [
    printable(child),
    upto.slice(0, 16).replace("T", " "),
    count(number),
    size(bytes),
    archiveSchema ? `${action} in ${printable(archiveSchema)}` : action,
  ]);
  const sum = plan.reduce((total, one) => total + one.rows, 0);
  const bytes = plan.reduce((total, one) => total + one.bytes, 0);
  return `${textTable(["partition", "ends (UTC)", "rows", "size", "would"], rows)}Dry run: ${count(plan.length)} partitions, some ${count(sum)} rows, ${size(bytes)}\n`;
}

import { printable } from "../core/printable.ts";
import { colors } from "../terminal/color.ts";
import { count, shortCount, size } from "../terminal/numbers.ts";
import { table as textTable } from "../terminal/table.ts";
import { wrap } from "../terminal/text.ts";
import type { Bound, PartitionedTable, PartitionStatus, Problem } from "./status.ts";

const longestName = 26;

/** For people, within 80 columns. */
export function describeStatus({ tables, detached }: PartitionStatus, color: boolean): string {
  const c = colors(color);
  if (tables.length === 0) return "No table is partitioned by range of a time\n";
  const rows = tables.map((t) => [
    shortened(printable(t.table)),
    t.period ?? (t.likelyPeriod ? `${t.likelyPeriod}?` : "?"),
    count(t.partitions),
    t.upto === null ? "none" : day(t.upto, t.timeZone),
    t.periodsLeft === null ? (t.upto === "infinity" ? "all" : "?") : count(t.periodsLeft),
    shortCount(t.rows),
    size(t.bytes),
  ]);
  const overview = textTable(["table", "period", "parts", "until", "left", "rows", "size"], rows);
  const remarks = tables.flatMap((t) => [
    ...t.problems.map((problem) => c.red(remark(t.table, explain[problem](t)))),
    ...(t.period === null && t.partitions > 0 && !t.managed ? [remark(t.table, unknownPeriod(t))] : []),
    ...(t.expiredPartitions.length > 0 ? [remark(t.table, expired(t))] : []),
    ...(t.default && t.default.hasRows === false
      ? [
          remark(
            t.table,
            `${t.default.child} is a DEFAULT partition: beside it nothing is detached concurrently`,
          ),
        ]
      : []),
  ]);
  for (const one of detached) {
    remarks.push(
      c.red(
        remark(
          one.table,
          `${one.child} is on its way out (${one.action}): harness partitions prune finishes`,
        ),
      ),
    );
  }
  if (tables.length === 1 && tables[0]) remarks.unshift(...settingsOf(tables[0]));
  const sound = remarks.length > 0 ? "" : "Nothing needs attention\n";
  return `${overview}${remarks.length > 0 ? "\n" : ""}${remarks.join("\n")}${remarks.length > 0 ? "\n" : ""}${sound}`;
}

/** Nothing is wrong with it; but what is missing cannot be told either. */
function unknownPeriod({ likelyPeriod, timeZone, upto }: PartitionedTable): string {
  const bounds = upto && !/infinity/.test(upto) ? ` (one is ${upto.slice(0, 16).replace("T", " ")} UTC)` : "";
  return likelyPeriod
    ? `its bounds${bounds} are those of each ${likelyPeriod} of another time zone than ${timeZone}: harness partitions ensure TABLE --period ${likelyPeriod} --time-zone … says which`
    : `its bounds${bounds} are not those of days, weeks from Monday, months, quarters or years: what is missing cannot be told, only when they end`;
}

const explain: Record<Problem, (table: PartitionedTable) => string> = {
  "now-not-covered": () =>
    "no partition is for now: rows of today are refused; harness partitions ensure makes one",
  "running-out": ({ periodsLeft, upto, timeZone }) =>
    `${periodsLeft === 0 ? "no partition is" : periodsLeft === 1 ? "1 partition is" : `${periodsLeft} partitions are`} left, until ${upto ? day(upto, timeZone) : "now"}: harness partitions ensure`,
  gap: ({ gaps, timeZone }) =>
    `nothing is for ${some(gaps.map(({ from, upto }) => `${day(from, timeZone)} to ${day(upto, timeZone)}`))}`,
  "default-has-rows": (t) =>
    t.default?.hasRows
      ? `${t.default.child}, a DEFAULT partition, has rows: they keep partitions for them from being made`
      : `${t.default?.child}, a DEFAULT partition, may have rows: this role cannot see them`,
  "detach-pending": ({ detaching }) => `half detached: ${some(detaching)}; harness partitions prune finishes`,
  "not-isolated": ({ differing, table }) =>
    `not isolated like their parent: ${some(differing.map(({ child, what }) => `${child} (${what.join(", ")})`))}; select partitions.isolate('${table}', '…')`,
};

function settingsOf({
  managed,
  key,
  type,
  timeZone,
  premake,
  retention,
  expired: action,
  archiveSchema,
  from,
}: PartitionedTable): string[] {
  const kept =
    retention === null
      ? "rows are kept for ever"
      : `rows are kept for ${retention}, then ${action === "archive" ? `archived in ${archiveSchema ?? "archive"}` : action}`;
  return [
    `by ${printable(key)}, ${type}, midnight in ${timeZone}${from ? `, from ${day(from, timeZone)}` : ""}`,
    managed
      ? `kept up: ${premake} ahead; ${kept}`
      : "not kept up: harness partitions ensure TABLE --period … does so from then on",
  ].map((line) => wrap(line, 80, ""));
}

function expired({ expiredPartitions, expired: action }: PartitionedTable): string {
  const rows = expiredPartitions.reduce((sum, one) => sum + one.rows, 0);
  const number = expiredPartitions.length;
  const what =
    action === "keep" ? "kept: nothing else is said (--expired)" : `to ${action}: harness partitions prune`;
  return `${count(number)} expired, some ${count(rows)} rows, ${what}`;
}

const remark = (table: string, text: string) => wrap(printable(text), 80, `${printable(table)}: `);

function some(names: string[]): string {
  return names.length > 3
    ? `${names.slice(0, 3).join(", ")} and ${count(names.length - 3)} more`
    : names.join(", ");
}

/** The day that begins there, on the wall clock of the table. */
export function day(bound: Bound, timeZone: string): string {
  if (/infinity/.test(bound)) return bound.startsWith("-") ? "the start" : "the end";
  const instant = new Date(bound);
  if (Number.isNaN(instant.getTime())) return bound;
  try {
    return new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" }).format(instant);
  } catch {
    // a zone that only Postgres knows
    return bound.slice(0, 10);
  }
}

function shortened(name: string): string {
  return name.length > longestName ? `${name.slice(0, longestName - 1)}…` : name;
}

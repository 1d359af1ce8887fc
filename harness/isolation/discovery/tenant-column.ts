import type { Certainty, FoundTable } from "./discovery.ts";

export interface ChosenColumn {
  /** Empty if each table's has to be named. */
  name: string;
  certainty: Certainty;
  notes: string[];
}

/** The tenant column that most tables share. One that is the whole key of its table (id) means something else elsewhere, and is never it. */
export function chooseColumn(tables: FoundTable[]): ChosenColumn {
  const counts = new Map<string, { said: number; tables: number }>();
  for (const { column, source, isKey } of tables) {
    if (!column || (isKey && !tables.some((other) => other.column === column && !other.isKey))) continue;
    const count = counts.get(column) ?? { said: 0, tables: 0 };
    counts.set(column, { said: count.said + (source === "policy" ? 1 : 0), tables: count.tables + 1 });
  }
  const [first, ...others] = [...counts].sort(
    ([a, x], [b, y]) => y.said - x.said || y.tables - x.tables || (a < b ? -1 : 1),
  );
  const name = first?.[0] ?? "";
  const notes = others.map(
    ([column, { tables }]) => `${plural(tables, "table")} told apart by "${column}" instead of "${name}"`,
  );
  return { name, certainty: certaintyOf(name, tables), notes };
}

function certaintyOf(name: string, tables: FoundTable[]): Certainty {
  const speaking = tables.filter(({ policies }) => policies > 0);
  const said = speaking.filter(({ source }) => source === "policy");
  const matching = said.filter(({ column }) => column === name).length;
  if (said.length === 0) {
    return {
      confidence: "low",
      reason: `no policy refers to a column; "${name}" is a guess from its name, in ${plural(tables.length, "table")}`,
    };
  }
  const what = name ? `"${name}"` : "their key";
  const count = name ? matching : said.length;
  const share = said.length / tables.length;
  return {
    confidence: share >= 0.75 ? "high" : "medium",
    reason:
      `${count} of ${plural(tables.length, "tenant table")} ${count === 1 ? "has a policy that scopes" : "have policies that scope"} rows by ${what}` +
      (count < said.length ? `, ${said.length - count} by another column` : "") +
      (said.length < tables.length
        ? `, ${tables.length - said.length} known by name or foreign key only`
        : ""),
  };
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

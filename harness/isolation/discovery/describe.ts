import { printable } from "../../core/printable.ts";
import { describeContext } from "./context.ts";
import type { Certainty, Discovery } from "./discovery.ts";

/** The inferred model and how sure it is, in lines for people. */
export function describeDiscovery(discovery: Discovery): string {
  const { isolation, tenantColumn, context, tenantRoles, owners, bypassRoles, notes } = discovery;
  const others = Object.entries(isolation.tables).map(([table, entry]) => `${table}.${entry.tenantColumn}`);
  const column = isolation.tenantColumn || "(each table's own)";
  const lines: [string, string, Certainty | null][] = [
    ["tenant column", [column, ...shorten(others)].join(", "), tenantColumn],
    ["context", describeContext(isolation.context), context],
    ["tenant roles", isolation.tenantRoles.join(", "), tenantRoles],
    ["owner", owners.join(", "), null],
    ["above policies", shorten(bypassRoles).join(", "), null],
    ["schemas", isolation.schemas.join(", "), null],
  ];
  return [
    "No isolation model is configured; inferred from the database:",
    ...lines.flatMap(([label, value, certainty]) => [
      `  ${label.padEnd(15)} ${printable(value) || "none"}`,
      ...(certainty
        ? [`  ${"".padEnd(15)} ${certainty.confidence} confidence: ${printable(certainty.reason)}`]
        : []),
    ]),
    ...notes.map((note) => `  note: ${printable(note)}`),
  ].join("\n");
}

function shorten(names: string[]): string[] {
  return names.length > 6 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
}

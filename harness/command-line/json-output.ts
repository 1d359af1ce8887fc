import { printableJson } from "../core/printable.ts";

/** What --json prints: one object, with the version of its form. */
export function jsonOutput(content: object): string {
  return `${printableJson({ schemaVersion: 1, ...content }, 2)}\n`;
}

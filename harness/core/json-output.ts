/** What --json prints: one object, with the version of its form. */
export function jsonOutput(content: object): string {
  return `${JSON.stringify({ schemaVersion: 1, ...content }, null, 2)}\n`;
}

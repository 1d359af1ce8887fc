import { expect, test } from "vitest";
import { loadChecks } from "../../harness/verify/checks.ts";

// A name with a line break would end the comment, and what follows in it would run with the evidence or the SQL that mends.
test.each(loadChecks())("$code puts no name into a comment of the SQL that it answers with", ({ sql }) => {
  const strings = sql.replace(/^--.*$/gm, "").match(/'(?:[^']|'')*'/g) ?? [];
  const lines = strings.flatMap((string) => string.slice(1, -1).split(/\\n|\n/));
  expect(lines.filter((line) => /--.*%(?:\d+\$)?[IsL]/.test(line))).toEqual([]);
  // nor behind one that is still open where the string ends
  expect(sql).not.toMatch(/-- (?:[^'\n\\]|'')*'\s*\|\|/);
});

import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";

const { wrapSql } = (await import(join(packageRoot, "scripts/wrap-sql.mjs"))) as {
  wrapSql(text: string): string;
};

const columns = (...names: string[]) => names.map((name) => `t.${name.padEnd(22, "x")}`).join(", ");
const longest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));
/** What the server reads: no comments, no line breaks, divided constants joined. */
const read = (text: string) =>
  text
    .replace(/^\s*--.*$/gm, "")
    .replace(/'\s*\n\s*'/g, "")
    .replace(/\s+/g, "");

test.each([
  [
    "a list of columns goes on under its first",
    `  select ${columns("a", "b", "c", "d", "e")}\n    from t`,
    /^ {2}select t\.ax+, .*,\n {9}t\.ex+\n {4}from t$/,
  ],
  [
    "the clauses of a SELECT end in one column",
    `  select x from (select ${columns("a", "b")} from some_table t where t.id = 1 and t.other_column_of_it = 'yes') y`,
    /^ {2}select x\n {4}from \(select t\.ax+, t\.bx+ from some_table t\n {11}where t\.id = 1 and /,
  ],
  [
    "BETWEEN keeps its AND, IS DISTINCT FROM its FROM",
    ` where ${columns("a")} between 1 and 2 and ${columns("b")} is distinct from 3 and ${columns("c")} between 4 and 5`,
    / between 1 and 2[\s\S]* distinct from 3[\s\S]* between 4 and 5$/,
  ],
  [
    "a constant goes on in a second one",
    `select format('a sentence of so many words that no margin of any width in use would hold it, whatever it is that it says of %s, or of others', x)`,
    /, '\n +'or[\s\S]*others',\s*x\)$/,
  ],
  [
    "a backslash of a plain constant escapes nothing",
    `select replace(a, '\\', '\\\\') as first_of_them, replace(b, '\\', '\\\\') as second_of_them, replace(c, '\\', '\\\\') as third_of_them`,
    /'\\', '\\\\'\) as third_of_them$/,
  ],
  [
    "an assignment stays one sign, a function called is() a function",
    `  sealed constant text := 'email, phone, email_masked, phone_masked, email_search, phone_search, email_search_alt, and others'`,
    / := 'email[\s\S]*others'$/,
  ],
  [
    "a comment behind code stands above it",
    `   where a.attrelid = b.attrelid and a.attnum = b.attnum and not a.attisdropped  -- what has gone has no name any more, and nobody asks`,
    /^ {3}-- what has gone[^\n]*\n {3}where /,
  ],
])("%s", (_, text, expected) => {
  const wrapped = wrapSql(text);
  expect(wrapped).toMatch(expected);
  expect(longest(wrapped)).toBeLessThanOrEqual(120);
  expect(read(wrapped)).toBe(read(text.replace(/ {2}-- .*$/, "")));
  expect(wrapSql(wrapped)).toBe(wrapped);
});

test("prose goes on in the next line of its comment, and a header in one that is read as part of it", () => {
  const words = Array.from({ length: 30 }, (_, n) => `word${n}`);
  const text = `-- title: ${words.join(" ")}\n-- ${words.join(" ")}\n-- and the last.\nselect 1;\n`;
  const lines = wrapSql(text).split("\n");
  expect(lines[1]).toMatch(/^-- {3}word/);
  expect(lines[3]).toMatch(/^-- word.* and the last\.$/);
});

test.each([
  ["short lines, however they look", "select 1,\n 2\n   ,3;\n"],
  ["a constant over several lines", `select '\n${"word ".repeat(40)}\n';\n`],
  ["a constant without a place to break it", `select '${"word".repeat(40)}';\n`],
])("left as it is: %s", (_, text) => {
  expect(wrapSql(text)).toBe(text);
});
